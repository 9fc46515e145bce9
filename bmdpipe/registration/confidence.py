"""The calibrated probability that a pose is good, from what the registration itself can see.

A logistic model for pelvis and femora each; coefficients and provenance are in `confidence.json`,
which `docs/scripts/fit_confidence.py` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEATURES = ("similarity", "gain", "log_uncertainty", "agreement", "log_moved", "mirror_margin")

MIRROR_ENOUGH = 0.02
"""A wider margin says that the segmented pelvis is lopsided, and no more of the pose."""


@dataclass(frozen=True)
class Signs:
    """What tells of a pose.

    Gradient correlation at the finest level; how much of it the body adds to what is seen without
    it; the standard deviation of its projected surface by the curvature, mm at the body; the share
    of other starts that agreed; how far refinement moved the search's result, mm in the image plane
    at the body; how much better the pelvis fits the picture than the mirrored picture.
    """

    similarity: float
    gain: float
    uncertainty_mm: float
    agreement: float
    moved_mm: float
    mirror_margin: float

    def features(self) -> NDArray[np.float64]:
        """As the model takes them, `[6]`, in the order of `FEATURES`."""
        return np.array(
            [
                self.similarity,
                self.gain,
                np.log(max(self.uncertainty_mm, 1e-3)),
                self.agreement,
                np.log(max(self.moved_mm, 1e-2)),
                min(self.mirror_margin, MIRROR_ENOUGH),
            ]
        )


def probability_of_success(body: str, signs: Signs) -> float:
    """That the median reprojection error is below 1 mm.

    0 if a sign is not finite, or if the mirrored picture fits better.
    """
    features = signs.features()
    if not np.isfinite(features).all() or signs.mirror_margin <= 0:
        return 0.0
    model = _models()["femur" if body.startswith("femur") else body]
    low, high = np.asarray(model["range"], float)
    z = (np.clip(features, low, high) - model["mean"]) / np.asarray(model["scale"])
    return float(1.0 / (1.0 + np.exp(-(z @ model["coefficients"] + model["intercept"]))))


@cache
def _models() -> Mapping[str, Any]:
    return json.loads(files("bmdpipe.registration").joinpath("confidence.json").read_text("utf-8"))[
        "models"
    ]
