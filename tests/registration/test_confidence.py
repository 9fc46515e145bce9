"""The calibrated probability: its data are whole, and it moves the way that it must."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from bmdpipe.registration.confidence import FEATURES, Signs, probability_of_success

GOOD = Signs(0.9, 0.5, 0.1, 1.0, 0.5, 0.03)
BAD = Signs(0.3, 0.1, 0.4, 0.0, 5.0, 0.001)


@pytest.mark.parametrize("body", ["pelvis", "femur_r", "femur_l"])
def test_it_tells_good_from_bad(body):
    assert probability_of_success(body, GOOD) > 0.9
    assert probability_of_success(body, BAD) < 0.1


@pytest.mark.parametrize("body", ["pelvis", "femur_l"])
def test_a_mirrored_fit_or_a_sign_that_is_not_finite_is_no_success(body):
    assert probability_of_success(body, replace(GOOD, mirror_margin=-0.01)) == 0.0
    assert probability_of_success(body, replace(GOOD, similarity=np.nan)) == 0.0
    assert probability_of_success(body, replace(GOOD, uncertainty_mm=np.inf)) == 0.0


def test_the_coefficients_say_where_they_come_from():
    stored = json.loads(
        files("bmdpipe.registration").joinpath("confidence.json").read_text("utf-8")
    )
    assert stored["provenance"]["script"] == "docs/scripts/fit_confidence.py"
    for model in stored["models"].values():
        assert len(model["coefficients"]) == len(model["mean"]) == len(FEATURES)
        assert min(model["scale"]) > 0
