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
MARKUPS = "{body}.mrk.json"
REGION = "region.nii.gz"
ROI = "roi.json"

# expose
KNOWN_POSES = "known_poses.json"

# recover
RECOVERY = "recovery.json"

# register
POSES = "poses.json"
OVERLAY = "overlays/{radiograph}.png"
CHECKERBOARD = "checkerboards/{radiograph}.png"
CONVERGENCE = "convergence.png"

# project
BONES = "{radiograph}_bones.nii.gz"
PROXIMAL_FEMUR = "{radiograph}_pf.nii.gz"
BONES_CT = "{radiograph}_bones_ct.nii.gz"
PROXIMAL_FEMUR_CT = "{radiograph}_pf_ct.nii.gz"

# pairs
INDEX = "index.tsv"
PAIRS_OF_SUBJECT = "{subject}.safetensors"
AUGMENTATION_SHEET = "augmentation.png"
AUGMENTATIONS = "augmentations.json"

# predict
PREDICTIONS = "predictions.tsv"
PROJECTION_FIT = "projection_fit.json"
PREDICTED_PROJECTIONS = "projections.safetensors"

# evaluate
EVALUATION = "evaluation.json"
INTERVALS = "intervals.tsv"

# compress
COMPRESSED = "compressed.tsv"

# table
TABLE = "{table}.tsv"
TABLE_PAGE = "{table}.md"
TABLE_FIGURE = "{table}.png"
DIFFERENCES = "differences.tsv"

# explain
ATTENTION = "attention.png"
EXPLANATION = "explanation.json"

# every stage that has a picture of quality control
QC = "qc.png"

# study_cohort of brain_mr_attribution: a cohort of NIfTI volumes
PARTICIPANTS = "participants.tsv"
ATLAS_NAMES = "atlas.json"
BRAIN_VOLUME = "{subject}/t1.nii.gz"
BRAIN_ATLAS = "{subject}/atlas.nii.gz"
BRAIN_SITE = "{subject}/truth/site.nii.gz"

# study_data
EXAMPLES = "examples.safetensors"
EXAMPLE_INDEX = "index.tsv"
STUDY_DATA = "study.json"

# study_train
CLASS_PREDICTIONS = "predictions.tsv"

# study_cohort, study_segment and study_data of ct_bmd
CT_CASES = "cases.tsv"
CASE_LABELS = "{case}.nii.gz"
CT_VIEWS = "views.safetensors"
SPLITS = "splits.json"

# study_cohort, study_data, study_train and study_suppress of bone_suppression
CHEST_CASES = "radiographs.tsv"
IMAGE_TABLE = "images.tsv"
INPUT_TABLE = "input.tsv"
MADE_IMAGES = "made.safetensors"
FINDINGS = "findings.safetensors"
MANIFEST = "manifest.json"
"""Beside every stage's results: stage, keys, config and the hash of the code."""
