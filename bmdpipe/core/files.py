"""The names of the files inside the stages' folders; the folders themselves are `Layout`'s.

`docs/data_formats.md` says what each holds.
"""

from __future__ import annotations

# simulate
CT_SERIES = "ct"
RADIOGRAPH_DICOM = "radiographs/{radiograph}.dcm"
DXA = "dxa.json"
ANNOTATION = "annotation.nii.gz"
TRUTH = "truth/truth.json"
TRUE_LABELS = "truth/labels.nii.gz"
TRUE_DENSITY = "truth/density.nii.gz"

# import
CT = "ct.nii.gz"
RADIOGRAPH = "radiographs/{radiograph}.nii.gz"
SUBJECT = "subject.json"
EXPERT_LABELS = "labels.nii.gz"
BONE_LABELS = "bone_labels.nii.gz"

# folds
FOLDS = "folds.tsv"

# calibrate
DENSITY = "density.nii.gz"
CALIBRATION = "calibration.json"

# segment_train, train_*
DISCRIMINATORS = "discriminators.safetensors"
WEIGHTS = "weights.safetensors"
HISTORY = "history.tsv"
MODEL = "model.json"

# segment_quality
QUALITY = "quality.json"

# segment
LABELS = "labels.nii.gz"
UNCERTAINTY = "uncertainty.nii.gz"
SEGMENTATION = "segmentation.json"

# roi
LANDMARKS_FILE = "landmarks.json"
REGION = "region.nii.gz"
ROI = "roi.json"

# register
POSES = "poses.json"
OVERLAY = "overlays/{radiograph}.png"

# project
BONES = "{radiograph}_bones.nii.gz"
PROXIMAL_FEMUR = "{radiograph}_pf.nii.gz"

# pairs
INDEX = "index.tsv"
PAIRS_OF_SUBJECT = "{subject}.safetensors"
AUGMENTATION_SHEET = "augmentation.png"

# predict
PREDICTIONS = "predictions.tsv"
PROJECTION_FIT = "projection_fit.json"
PREDICTED_PROJECTIONS = "projections.safetensors"

# evaluate
EVALUATION = "evaluation.json"

# explain
ATTENTION = "attention.png"
EXPLANATION = "explanation.json"

# every stage that has a picture of quality control
QC = "qc.png"
