"""Calibration by the patient's own tissues: its physics, and what it does where one is missing."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.calibration import calibrate
from bmdpipe.densitometry.phantomless import TISSUES, apatite_equivalent
from bmdpipe.densitometry.vessels import blood_hu
from bmdpipe.imaging.body_mask import body_mask
from bmdpipe.virtual.xray.materials import APATITE, WATER, Material

CONFIG = CalibrationConfig(mode="phantomless")
SPACING = (2.0, 2.0, 3.0)


def torso(hu: dict[str, float], vessel_hu: float | None = None, noise: float = 5.0) -> Volume:
    """An elliptic body: muscle in fat in air, and a vessel of 14 mm deep in its fat."""
    nz, ny, nx = 30, 110, 170
    y, x = np.mgrid[:ny, :nx]
    x, y = (x - nx / 2) * SPACING[0], (y - ny / 2) * SPACING[1]
    plane = np.full((ny, nx), hu["air"])
    plane[(x / 150) ** 2 + (y / 95) ** 2 < 1] = hu["adipose"]
    plane[((x - 55) / 45) ** 2 + (y / 60) ** 2 < 1] = hu["muscle"]
    if vessel_hu is not None:
        plane[np.hypot(x + 60, y) < 7.0] = vessel_hu
    noisy = plane + np.random.default_rng(0).normal(0, noise, (nz, ny, nx))
    return Volume(np.rint(noisy).astype(np.int16), SPACING, (0.0, 0.0, 0.0), "HU")


@pytest.mark.parametrize("energy_kev", [55.0, 72.0, 95.0])
@pytest.mark.parametrize("mg_cm3", [0.0, 200.0, 800.0])
def test_apatite_in_water_is_its_own_equivalent(energy_kev: float, mg_cm3: float) -> None:
    """A mixture of known content, by the additivity of attenuation."""
    apatite = mg_cm3 / 1000
    water = 1 - apatite / APATITE.density
    total = apatite + water
    fractions: dict[str, float] = {}
    for material, mass in ((APATITE, apatite), (WATER, water)):
        whole = sum(f for _, f in material.fractions)
        for symbol, fraction in material.fractions:
            fractions[symbol] = fractions.get(symbol, 0.0) + fraction * mass / total
        assert whole == pytest.approx(1.0, abs=2e-4)
    mixture = Material(total, tuple(fractions.items()))
    assert apatite_equivalent(mixture, energy_kev) == pytest.approx(mg_cm3, abs=0.05)


@pytest.mark.parametrize(("slope", "intercept"), [(0.8, 0.0), (0.74, 8.0), (0.9, -12.0)])
def test_tissues_on_a_line_give_that_line(slope: float, intercept: float) -> None:
    """An ideal scan, whose HU follow from the tissues' equivalents by the line to be found."""
    hu = {
        name: (apatite_equivalent(material, CONFIG.effective_energy_kev) - intercept) / slope
        for name, material in TISSUES.items()
    }
    if hu["air"] < -1090 or hu["air"] > -860:
        hu["air"] = float(np.clip(hu["air"], -1090, -860))
        pytest.skip("no scanner shows air there")
    found, rods = calibrate(torso(hu, hu["blood"]), CONFIG, "S1")
    assert rods is None
    assert found.method == "phantomless"
    assert found.at(600.0) == pytest.approx(slope * 600 + intercept, rel=0.01)
    assert [t.name for t in found.tissues if t.hu is not None] == list(TISSUES)
    assert [w.code for w in found.warnings] == ["W_UNCALIBRATED"]


USUAL = {"air": -1000.0, "adipose": -100.0, "muscle": 50.0}


def test_blood_is_found_or_said_to_be_missing() -> None:
    there = calibrate(torso(USUAL, 42.0), CONFIG, "S1")[0]
    assert {t.name: t.hu for t in there.tissues}["blood"] == pytest.approx(42, abs=3)
    assert "no blood" not in there.warnings[0].text
    absent = calibrate(torso(USUAL), CONFIG, "S1")[0]
    assert {t.name: t.hu for t in absent.tissues}["blood"] is None
    assert "no blood was found" in absent.warnings[0].text


def test_blood_with_contrast_medium_is_none() -> None:
    ct = torso(USUAL, 220.0)
    assert blood_hu(ct, body_mask(ct)) is None


@pytest.mark.parametrize("missing", ["adipose", "muscle"])
def test_without_a_tissue_it_is_refused(missing: str) -> None:
    other = {"adipose": 50.0, "muscle": -100.0}[missing]
    with pytest.raises(CaseError, match=f"E_CALIBRATION.*{missing}"):
        calibrate(torso({**USUAL, missing: other}), CONFIG, "S1")


def test_air_alone_is_refused() -> None:
    ct = Volume(np.full((12, 60, 60), -1000, np.int16), SPACING, (0.0, 0.0, 0.0), "HU")
    with pytest.raises(CaseError, match=r"E_CALIBRATION.*no tissue"):
        calibrate(ct, CONFIG, "S1")
