"""The HU scale drifts by day and by scan, about the scanner's own."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.scale import draw_scale, scan_date


def test_subjects_of_one_day_share_its_drift_and_date():
    config = CtConfig(subjects_per_day=3, slope_scan_sd=0, intercept_scan_sd_mg_cm3=0)
    scales = [draw_scale(config, 1, n) for n in range(1, 7)]
    assert scales[0] == scales[1] == scales[2]
    assert scales[3] == scales[4] == scales[5] != scales[0]
    assert len({scan_date(config, n) for n in range(1, 7)}) == 2


def test_spread_is_that_of_days_and_scans_together():
    config = CtConfig(subjects_per_day=1, slope_day_sd=0.03, slope_scan_sd=0.04)
    slopes = np.array([draw_scale(config, 2, n).slope for n in range(1, 2001)])
    assert slopes.mean() == pytest.approx(config.slope, abs=0.003)
    assert slopes.std() == pytest.approx(0.05, rel=0.06)


def test_density_and_hu_are_inverse():
    scale = draw_scale(CtConfig(), 1, 1)
    assert scale.slope * scale.hu_of_density(123.0) + scale.intercept == pytest.approx(123.0)
