"""The DXA scanner has the precision that was set, finds the bone's edge, and refuses an implant."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from bmdpipe.core.labels import SIDES
from bmdpipe.virtual.dxa.pose import dxa_view
from bmdpipe.virtual.dxa.region import total_hip
from bmdpipe.virtual.dxa.scanner import dxa_reading, dxa_scan
from bmdpipe.virtual.dxa.tissue import femur_mineral
from bmdpipe.virtual.dxa.truth import true_abmd, true_densities

REPEATS = 60


def with_dxa(config, **changes):
    return config.model_copy(update={"dxa": config.dxa.model_copy(update=changes)})


def with_implants(config):
    disease = config.disease.model_copy(update={"implant_fraction": 1.0})
    return config.model_copy(update={"disease": disease})


@pytest.mark.parametrize("cv", [0.004, 0.015])
def test_precision_by_repeated_scans_is_what_was_set(made, cv):
    """60 scans: the CV's own relative error is 1/sqrt(2 x 59) = 9 %; three of them are allowed.

    4 per mille is less than what leg and cuts alone would give, 1.5 % is more.
    """
    config = with_dxa(made.config, precision_cv=cv, pixel_mm=1.0)
    readings = np.array([dxa_reading(config, made.anatomy, n) for n in range(REPEATS)])
    measured = readings.std(ddof=1) / readings.mean()
    assert measured == pytest.approx(cv, rel=3.0 / np.sqrt(2 * (REPEATS - 1)))


def test_without_precision_error_scans_repeat_exactly(made):
    config = with_dxa(made.config, precision_cv=0.0)
    assert dxa_reading(config, made.anatomy, 0) == dxa_reading(config, made.anatomy, 1)


def test_a_scan_is_the_same_whenever_it_is_repeated(made):
    assert dxa_reading(made.config, made.anatomy, 3) == dxa_reading(made.config, made.anatomy, 3)


def test_reading_lies_near_the_truth_and_scales(made):
    side = made.anatomy.person.side
    plain = with_dxa(made.config, precision_cv=0.0, accuracy_cv=0.0)
    reading = dxa_reading(plain, made.anatomy)
    assert reading == pytest.approx(true_abmd(plain.dxa, made.anatomy, side), rel=0.15)
    doubled = dxa_reading(with_dxa(plain, accuracy_cv=0.0, scale=1.1), made.anatomy)
    assert doubled == pytest.approx(1.1 * reading, rel=0.01)


def test_marrow_fat_lowers_the_reading(made):
    config = with_dxa(made.config, precision_cv=0.0, accuracy_cv=0.0, marrow_fat_sd=0.0)
    lean, fatty = (
        dxa_reading(with_dxa(config, marrow_fat_mean=share), made.anatomy) for share in (0.0, 0.9)
    )
    assert 0.03 < lean - fatty < 0.2


def test_region_agrees_with_the_true_bone(made):
    config = with_dxa(made.config, precision_cv=0.0, accuracy_cv=0.0)
    side = made.anatomy.person.side
    view = dxa_view(made.anatomy, side, config.dxa.pixel_mm)
    femur = femur_mineral(made.anatomy, view)
    true = total_hip(femur >= config.dxa.edge_g_cm2, view.pixels, config.dxa.pixel_mm)
    found = dxa_scan(config, made.anatomy, side)
    dice = 2 * (found.region & true).sum() / (found.region.sum() + true.sum())
    assert dice > 0.97
    pixels = int(2.5 / config.dxa.pixel_mm)
    assert not (found.region & ~binary_dilation(true, iterations=pixels)).any()
    assert not (binary_erosion(true, iterations=pixels) & ~found.region).any()
    assert found.area_cm2 == pytest.approx(true.sum() * 0.01 * config.dxa.pixel_mm**2, rel=0.05)
    assert 20 < found.area_cm2 < 55
    assert found.bmc_g == pytest.approx(found.abmd_g_cm2 * found.area_cm2)


def test_an_implant_has_no_reading_and_no_truth(made):
    config = with_implants(made.config)
    side = made.anatomy.person.side
    other = next(s for s in SIDES if s != side)
    with pytest.raises(ValueError, match="implant"):
        dxa_scan(config, made.anatomy, other)
    truth = true_densities(config, made.anatomy)
    for quantity in ("vbmd_mg_cm3", "abmd_g_cm2"):
        assert truth[quantity][other] is None
        assert truth[quantity][side] > 0
    assert dxa_reading(config, made.anatomy) > 0
