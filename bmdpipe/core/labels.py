"""The label values of every label map in the pipeline, and the bodies that move on their own."""

from __future__ import annotations

BACKGROUND = 0
PELVIS = 1
FEMUR_R = 2
FEMUR_L = 3

LABEL_NAMES: dict[int, str] = {
    BACKGROUND: "background",
    PELVIS: "pelvis",
    FEMUR_R: "femur_r",
    FEMUR_L: "femur_l",
}
BODIES: dict[str, int] = {"pelvis": PELVIS, "femur_r": FEMUR_R, "femur_l": FEMUR_L}
BODY_WORDS = {"pelvis": "pelvis", "femur_r": "right femur", "femur_l": "left femur"}
"""What a reader is told in place of a body's name."""
SIDES = ("R", "L")


def femur_label(side: str) -> int:
    """The label of the femur on the patient's `side` (`R` or `L`)."""
    return {"R": FEMUR_R, "L": FEMUR_L}[side]


def femur_body(side: str) -> str:
    """The body's name of the femur on the patient's `side`."""
    return {"R": "femur_r", "L": "femur_l"}[side]
