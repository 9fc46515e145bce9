"""Calibration: the rods are found wherever they lie, and a doubtful phantom is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.calibration import calibrate
from bmdpipe.densitometry.calibration_line import density_volume, fit_line
from tests.densitometry.virtual_phantom import DENSITIES, phantom_ct

CONFIG = CalibrationConfig()
CASES = {
    "plain": {},
    "tilted in the slice": {"angle_deg": 6.0},
    "oblique table": {"drift": (0.03, -0.05)},
    "turned round": {"reverse": True},
    "prone": {"prone": True},
    "thin rods, close": {"diameter_mm": 15.0, "gap_mm": 25.0},
    "thick rods, wide": {"diameter_mm": 20.0, "gap_mm": 30.0},
    "a rod as dense as the base": {"base_hu": 2.5},
    "noisy": {"base_hu": 75.0, "noise_hu": 35.0},
    "another scale": {"slope": 0.72, "intercept": 11.0},
    "fine pixels": {"spacing_mm": (0.8, 0.8, 2.0), "size": (480, 375, 30)},
}


@pytest.mark.parametrize("name", CASES)
def test_line_and_rods_are_those_of_the_scanner(name: str) -> None:
    options = CASES[name]
    ct, centres = phantom_ct(**options)
    calibration, rods = calibrate(ct, CONFIG, "V001")
    slope, intercept = options.get("slope", 0.8), options.get("intercept", -2.0)
    assert rods is not None
    assert calibration.correlation is not None
    assert calibration.correlation > 0.999
    for hu in (100.0, 400.0, 1000.0):
        truth = slope * hu + intercept
        assert calibration.slope * hu + calibration.intercept == pytest.approx(truth, rel=0.01)
    assert [rod.density_mg_cm3 for rod in calibration.rods] == list(DENSITIES)
    found = np.array([rod.centre_mm[:2] for rod in calibration.rods])
    assert np.abs(found - centres).max() < 2.5
    assert {tuple(np.sign(np.diff(found[:, 0])))} == {tuple(np.sign(np.diff(centres[:, 0])))}


@pytest.mark.parametrize(("rods", "most"), [((1, 2, 3), 3), ((0, 1, 3, 4), 4), ((), 2)])
def test_a_phantom_that_is_not_whole_is_refused(rods: tuple[int, ...], most: int) -> None:
    ct, _ = phantom_ct(rods=rods)
    with pytest.raises(CaseError) as error:
        calibrate(ct, CONFIG, "V001")
    assert error.value.code == "E_NO_PHANTOM"
    assert int(error.value.hint.split()[0]) <= most


@pytest.mark.parametrize("hu", [(0, 200, 210, 220, 230), (60, 0, 120, 180, 240)])
def test_rods_off_the_line_are_refused(hu: tuple[float, ...]) -> None:
    ct, _ = phantom_ct(hu=hu)
    with pytest.raises(CaseError) as error:
        calibrate(ct, CONFIG, "V001")
    assert error.value.code == "E_CALIBRATION"


def test_what_lies_in_a_third_of_the_phantom_does_not_count() -> None:
    ct, _ = phantom_ct()
    array = ct.array.copy()
    array[: len(array) // 3, 110:, 128:140] += 300
    clean, _ = calibrate(ct, CONFIG, "V001")
    soiled, _ = calibrate(ct.like(array, "HU"), CONFIG, "V001")
    assert soiled.slope * 400 + soiled.intercept == pytest.approx(
        clean.slope * 400 + clean.intercept, rel=0.01
    )


def test_air_has_no_phantom() -> None:
    ct = Volume(np.full((12, 90, 90), -1000, np.int16), (1.5, 1.5, 3.0), (0.0, 0.0, 0.0), "HU")
    with pytest.raises(CaseError, match="0 of 5 rods found"):
        calibrate(ct, CONFIG, "V001")


def test_uncalibrated_takes_the_nominal_line() -> None:
    ct, _ = phantom_ct(rods=())
    config = CalibrationConfig(mode="none", nominal_slope=0.75, nominal_intercept=4.0)
    calibration, rods = calibrate(ct, config, "V001")
    assert (calibration.slope, calibration.intercept) == (0.75, 4.0)
    assert rods is None
    assert calibration.correlation is None


def test_density_is_the_line_rounded_and_clipped() -> None:
    config = CalibrationConfig(mode="none", nominal_slope=0.8, nominal_intercept=-3.0)
    hu = np.array([[[-1024, 0, 5, 1000, 32767]]], np.int16)
    ct = Volume(hu, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), "HU")
    density = density_volume(ct, calibrate(ct, config, "V001")[0])
    assert density.unit == "mg/cm3"
    assert density.array.dtype == np.int16
    assert density.array.ravel().tolist() == [-822, -3, 1, 797, 26211]


def test_fitted_line_is_least_squares() -> None:
    rng = np.random.default_rng(3)
    hu = np.array([0.0, 60.0, 125.0, 190.0, 250.0])
    density = 0.8 * hu + rng.normal(0, 2, 5)
    slope, intercept, correlation = fit_line(hu, density)
    design = np.column_stack([hu, np.ones(5)])
    residual = design @ [slope, intercept] - density
    np.testing.assert_allclose(design.T @ residual, 0, atol=1e-8)
    assert correlation**2 == pytest.approx(1 - residual.var() / density.var())
