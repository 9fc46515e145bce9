"""What a stage does and how to look at its pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caption:
    """A section's heading, what was done, and what good and bad pictures look like."""

    title: str
    done: str
    good: str = ""
    bad: str = ""


STAGE_CAPTIONS: dict[str, Caption] = {
    "import": Caption(
        "Import",
        "CT series and radiographs are read from DICOM, checked, and brought to one orientation "
        "and unit. A file that cannot be trusted is quarantined here.",
        "Bone is bright, the patient's left is on the right of the radiograph.",
        "A mirrored or inverted picture, a wrong pixel spacing, missing slices.",
    ),
    "calibrate": Caption(
        "Calibration",
        "The rods of the phantom under the patient are found, and a line from Hounsfield units to "
        "hydroxyapatite density is fitted to their means. Without a phantom the line goes through "
        "the patient's own tissues or is a nominal one, as its title says.",
        "Each marker sits in the middle of a rod, the points (rods, or the patient's tissues) lie "
        "on the line, the correlation over rods exceeds 0.99.",
        "A marker on the table, on clothing or on an air gap; one point far from the line; a slope "
        "far from the cohort's.",
    ),
    "segment": Caption(
        "Segmentation",
        "A Bayesian U-Net, trained without this subject, outlines pelvis and femora, or the user's "
        "own masks do. The network's uncertainty is the variance over repeated passes.",
        "The outline follows the cortex, the joint space separates head and acetabulum, "
        "uncertainty is a thin line along the edges.",
        "The femoral head leaks into the acetabulum, islands in soft tissue, a bright area of "
        "uncertainty inside a bone.",
    ),
    "roi": Caption(
        "Region",
        "Eight landmarks per femur define the proximal-femur region; volumetric BMD is its mean "
        "density, areal BMD the mean of its projection. T-scores carry the name of their "
        "reference; a CT that no phantom calibrated has none.",
        "The region ends at the head-neck junction and 2 cm below the lesser trochanter; the neck "
        "is inside it.",
        "The cut runs through the head or the trochanter, the region is in pieces, the shaft is "
        "cut at an angle.",
    ),
    "expose": Caption(
        "Simulated radiographs",
        "The subject has a CT and no radiograph. Pictures are computed from the whole CT at known "
        "poses: tissue, mineral and metal from its Hounsfield units, then beam, scatter, detector "
        "and processing of a virtual X-ray room.",
        "It looks like a hip radiograph, the table is gone, the patient's left is on the right.",
        "Bands at the upper or lower edge, where the CT ends; the table; stripes.",
    ),
    "recover": Caption(
        "Registration against the known pose",
        "The poses that the registration found are compared with those at which the radiographs "
        "were computed. Real radiographs are harder: these share the CT's bones and positions.",
        "Reprojection distances below a millimetre.",
        "Distances of several millimetres, or of one body only.",
    ),
    "register": Caption(
        "Registration",
        "Pelvis and each femur are moved on their own until their simulated projection matches the "
        "radiograph. The checkerboard shows radiograph and projection by turns; the curves show "
        "how the similarity rose (blue while a bone is searched for, green when all are refined "
        "together in one window), and the calibrated probability that a pose is good.",
        "The overlaid outlines follow the edges of pelvis, femoral head and trochanters in the "
        "radiograph; edges run on from square to square; curves level out, confidence is near 1.",
        "An outline is shifted, turned or too large beside the bone that it belongs to; edges "
        "break between squares. Red outlines and curves have failed and are left out of the "
        "training.",
    ),
    "project": Caption(
        "Projection",
        "The calibrated density is projected at the found poses: all bones, and the proximal femur "
        "alone. These are the images that the networks learn to predict.",
        "Smooth bone, brightest in the calcar and the cortex of the shaft, black outside.",
        "Stripes, a cut-off bone, or values far outside the cohort's range.",
    ),
}

PAIRS = Caption(
    "Training pairs",
    "Radiograph and projection of one hip, with the training's random changes applied to both.",
    "In every row the bones of both pictures coincide; contrast and position vary.",
    "Radiograph and projection are shifted against each other, or the hip leaves the picture.",
)
ATTENTION = Caption(
    "Attention",
    "Which parts of the radiograph move the estimate, and what the encoder has learned by stage "
    "(its first principal component). Below each map: how many times better than random orders its "
    "order is when cells are removed (del) and put back (ins), and its rank correlation with the "
    "map of a network with shuffled weights.",
    "Attention lies on the proximal femur: neck, trochanter, calcar; del and ins are well above 1, "
    "the correlation is near 0.",
    "Attention on markers, the border of the picture, or soft tissue: the model may have learned "
    "something other than bone. With del or ins below 1 the map does not show what the model uses.",
)
TRAINING = Caption(
    "Training curves",
    "Each line is a fold. A fold's models never see its test subjects.",
    "Curves fall and level out, and the folds lie close together.",
    "A curve that rises or jumps, validation that parts from training, one fold far from the rest.",
)
STAGE_ERRORS = Caption(
    "Errors of the stages against the truth",
    "The subjects are virtual, so each stage can be compared with what was built into them. No "
    "stage but this one reads the truth.",
)


@dataclass(frozen=True)
class FigureCaption:
    """A figure of an experiment: recognised by a part of its file name."""

    part: str
    title: str
    text: str


FIGURES = (
    FigureCaption(
        "scatter",
        "Predicted against true BMD (as Fig. 6 of Gu 2023)",
        "Each point is a held-out radiograph. Good: points close to the diagonal over the whole "
        "range. Bad: a flat cloud (the mean is predicted) or a slope other than the diagonal's.",
    ),
    FigureCaption(
        "bland",
        "Bland-Altman (as Fig. 9 of Gu 2023)",
        "Difference against mean of prediction and truth, with the 95 % limits of agreement. Good: "
        "a level cloud about zero. Bad: a trend (high values underestimated, low ones over) "
        "or subjects whose points all lie outside the limits.",
    ),
    FigureCaption(
        "positioning",
        "By positioning (as Fig. 7 of Gu 2023)",
        "Good: the same agreement in every positioning. Bad: one positioning falls behind.",
    ),
    FigureCaption(
        "projection",
        "Predicted and true projections (as Fig. 12 of Gu 2023)",
        "Radiograph, true and predicted density projection. Good: same outline, same bright and "
        "dark areas. Bad: blur, a wrong outline, or the same bone for every subject.",
    ),
)


def figure_caption(name: str) -> FigureCaption:
    """The caption for a figure's file name; unknown figures are called by their name."""
    for caption in FIGURES:
        if caption.part in name:
            return caption
    return FigureCaption("", name.replace("_", " "), "")
