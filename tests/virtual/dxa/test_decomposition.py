"""Two energies give the mineral back behind even soft tissue, and are misled by uneven fat."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.virtual.dxa.baseline import bone_of, mineral_picture
from bmdpipe.virtual.dxa.decomposition import Beams, calibrate

PIXEL_MM = 1.0
EDGE = 0.2
SHAPE = (90, 110)


@pytest.fixture(scope="module")
def beams() -> Beams:
    return Beams.of(DxaConfig())


def _plate(thick: float) -> np.ndarray:
    """Mineral, g/cm2: a plate of bone amid soft tissue."""
    mineral = np.zeros(SHAPE, np.float32)
    mineral[25:65, 40:70] = thick
    return mineral


def _measured(beams: Beams, lean, fat, mineral) -> np.ndarray:
    signals = beams.through(*(np.asarray(m, np.float32) for m in (lean, fat, mineral)))
    return mineral_picture(calibrate(beams), signals, mineral > 0, PIXEL_MM)


@pytest.mark.parametrize("thick", [0.5, 0.9, 1.6])
@pytest.mark.parametrize("soft", [11.0, 18.0, 27.0])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_mineral_behind_even_soft_tissue_is_recovered(beams, thick, soft, share):
    mineral = _plate(thick)
    whole = np.full(SHAPE, soft)
    found = _measured(beams, whole * (1 - share), whole * share, mineral)
    assert found[mineral > 0].mean() == pytest.approx(thick, rel=0.005)
    assert abs(found[:15].mean()) < 0.01


def _expected_bias(beams: Beams, more_fat: float) -> float:
    """Three materials at two effective energies: the apparent mineral of fat in muscle's place.

    Each beam counts with its mean coefficients behind the tissue that it has crossed.
    """

    def means(beam):
        muscle, adipose = beam.coefficients[:2]
        behind = beam.weight * np.exp(-16.0 * muscle - 4.0 * adipose)
        found = beam.coefficients[:3] @ behind / behind.sum()
        return dict(zip(("muscle", "adipose", "mineral_excess"), found.tolist(), strict=True))

    low, high = means(beams.low), means(beams.high)
    soft = {n: 0.8 * v["muscle"] + 0.2 * v["adipose"] for n, v in (("low", low), ("high", high))}
    r_value = soft["low"] / soft["high"]
    fat_for_muscle = {n: v["adipose"] - v["muscle"] for n, v in (("low", low), ("high", high))}
    return (
        more_fat
        * (fat_for_muscle["low"] - r_value * fat_for_muscle["high"])
        / (low["mineral_excess"] - r_value * high["mineral_excess"])
    )


@pytest.mark.parametrize("more", [-2.0, -1.0, 1.0, 2.0])
def test_fat_over_the_bone_alone_biases_as_theory_predicts(beams, more):
    mineral = _plate(0.9)
    over = np.where(mineral > 0, more, 0.0)
    found = _measured(beams, 16.0 - over, 4.0 + over, mineral)
    bias = found[mineral > 0].mean() - 0.9
    assert np.sign(bias) == -np.sign(more)
    assert bias == pytest.approx(_expected_bias(beams, more), rel=0.12)


def test_fat_that_increases_evenly_across_the_bone_does_no_harm(beams):
    mineral = _plate(0.9)
    ramp = np.linspace(2.0, 6.0, SHAPE[1])[None] * np.ones((SHAPE[0], 1))
    found = _measured(beams, 20.0 - ramp, ramp, mineral)
    assert found[mineral > 0].mean() == pytest.approx(0.9, rel=0.01)


def test_edge_encloses_the_plate_to_a_pixel(beams):
    mineral = _plate(0.9)
    found = _measured(beams, np.full(SHAPE, 16.0), np.full(SHAPE, 4.0), mineral)
    bone = bone_of(found, PIXEL_MM, EDGE)
    rows, columns = np.nonzero(bone)
    box = [rows.min(), rows.max(), columns.min(), columns.max()]
    assert box == pytest.approx([25, 64, 40, 69], abs=1)


def test_no_soft_tissue_beside_the_bone_is_refused(beams):
    everywhere = np.ones(SHAPE, np.float32)
    signals = beams.through(12 * everywhere, 3 * everywhere, everywhere)
    with pytest.raises(ValueError, match="soft tissue"):
        mineral_picture(calibrate(beams), signals, everywhere > 0, PIXEL_MM)


def test_two_equal_voltages_are_refused():
    with pytest.raises(ValueError, match="low_kvp"):
        DxaConfig(low_kvp=100, high_kvp=100)
