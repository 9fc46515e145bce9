"""The DXA scanner has the precision that was set, and looks along the right direction."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.labels import SIDES
from bmdpipe.geometry.pose import apply
from bmdpipe.virtual.dxa.scanner import dxa_pose, dxa_reading, true_abmd, true_vbmd


def test_precision_by_repeated_scans(made):
    readings = np.array([dxa_reading(made.config, made.anatomy, n) for n in range(60)])
    cv = readings.std(ddof=1) / readings.mean()
    assert cv == pytest.approx(made.config.dxa.precision_cv, rel=0.35)


@pytest.mark.parametrize("side", SIDES)
def test_pose_lays_the_neck_flat_and_the_shaft_upright(made, side):
    landmarks = made.anatomy.femora[side].landmarks
    pose = dxa_pose(landmarks)
    neck = apply(pose, landmarks["head_centre"]) - apply(pose, landmarks["neck_centre"])
    shaft = apply(pose, landmarks["shaft_5cm"]) - apply(pose, landmarks["shaft_2cm"])
    assert abs(shaft[0]) < 1e-6
    assert shaft[1] > 29
    assert abs(neck[2]) < 0.12 * np.linalg.norm(neck), "turned about the vertical first"


@pytest.mark.parametrize("side", SIDES)
def test_true_values_are_plausible_and_those_of_the_truth_file(made, side):
    assert made.truth["vbmd_mg_cm3"][side] == pytest.approx(true_vbmd(made.anatomy, side))
    assert 100 < made.truth["vbmd_mg_cm3"][side] < 550
    assert 0.3 < made.truth["abmd_g_cm2"][side] < 1.5


def test_finer_pixels_hardly_change_the_areal_value(made):
    fine = made.config.dxa.model_copy(update={"pixel_mm": 0.25})
    assert true_abmd(fine, made.anatomy, "R") == pytest.approx(
        made.truth["abmd_g_cm2"]["R"], rel=0.01
    )
