"""The tube's beam against published half-value layers, and SpekPy where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.virtual.xray.attenuation import absorption_of, excess, transmission
from bmdpipe.virtual.xray.exposure_control import calibrating_beam
from bmdpipe.virtual.xray.materials import ADIPOSE, APATITE, MUSCLE, TITANIUM, mass_attenuation
from bmdpipe.virtual.xray.spectrum import Beam, filter_for, half_value_layer_mm, tube_beam


def _homogeneity(beam: Beam) -> float:
    first = half_value_layer_mm(beam)
    return first / (half_value_layer_mm(beam, 0.25) - first)


@pytest.mark.parametrize(
    ("kvp", "half_value_mm", "homogeneity"),
    [(70, 2.58, 0.71), (80, 3.01, 0.69), (90, 3.48, 0.68), (100, 3.97, 0.68)],
)
def test_qualities_of_iec_61267(kvp, half_value_mm, homogeneity):
    """The standard tunes the filter until the first half-value layer is met; the second one, and so
    the shape of the spectrum, must follow. RQR 5 to 8: University Hospitals Birmingham list the
    half-value layers to 0.1 mm; their second decimal and the homogeneity are recalled (unverified).
    """
    tuned = tube_beam(kvp, filter_for(kvp, half_value_mm))
    assert _homogeneity(tuned) == pytest.approx(homogeneity, rel=0.03)


def test_one_filter_gives_the_half_value_layers_of_two_voltages():
    """Tuned to RQR 6 (3.0 mm at 80 kV), the tube has that of RQR 5 (2.6 mm) at 70 kV."""
    mm_al = filter_for(80, 3.0)
    assert 2.5 < mm_al < 3.5, "a common total filtration"
    assert half_value_layer_mm(tube_beam(70, mm_al)) == pytest.approx(2.6, rel=0.03)


def test_calibrating_beam_is_rqa_5():
    """21 mm of aluminium added to RQR 5 give 6.8 mm (IEC 61267) and 30174 photons per mm2 and uGy
    (IEC 62220-1), both recalled (unverified)."""
    beam = calibrating_beam()
    assert half_value_layer_mm(beam) == pytest.approx(6.8, rel=0.03)
    assert beam.fluence.sum() / beam.air_kerma_ugy == pytest.approx(30174, rel=0.03)


@pytest.mark.parametrize("kvp", [60.0, 69.0, 72.5, 81.0, 100.0])
def test_interpolated_spectra_are_those_of_spekpy(kvp):
    spekpy = pytest.importorskip("spekpy")
    oracle = spekpy.Spek(kvp=kvp, th=12, dk=0.5, mu_data_source="nist", physics="kqp")
    oracle.filter("Al", 3.0)
    ours = tube_beam(kvp, 3.0)
    assert half_value_layer_mm(ours) == pytest.approx(oracle.get_hvl1(), rel=0.01)
    assert ours.mean_kev == pytest.approx(oracle.get_emean(), rel=0.01)
    assert ours.air_kerma_ugy == pytest.approx(oracle.get_kerma(), rel=0.02)


def test_k_lines_appear_above_the_edge_of_tungsten():
    below, above = tube_beam(69.0, 3.0), tube_beam(90.0, 3.0)
    at = np.searchsorted(above.energy_kev, 59.5)
    for beam, least, most in ((above, 1.8, 5), (below, 0.9, 1.1)):
        beside = 0.5 * (beam.fluence[at - 4] + beam.fluence[at + 4])
        assert least < beam.fluence[at] / beside < most


@pytest.mark.parametrize("kvp", [50.0, 141.0])
def test_unknown_voltages_are_refused(kvp):
    with pytest.raises(ValueError, match="60 to 140"):
        tube_beam(kvp, 3.0)


def _one_energy(energy_kev: float) -> Beam:
    """All but one of the bins are empty; seven are needed to draw up the quadrature."""
    energy = energy_kev + 1e-3 * np.arange(-10, 11)
    return Beam(energy, np.ones(21))


@pytest.mark.parametrize("energy", [35.0, 60.0])
def test_a_single_energy_is_beer_lambert(energy):
    beam = _one_energy(energy)
    soft = np.stack(np.meshgrid(np.linspace(0, 20, 5), np.linspace(0, 8, 4))).astype(np.float32)
    hard = np.full((2, *soft.shape[1:]), [[[1.5]], [[0.4]]], np.float32)
    found = transmission(absorption_of(beam, np.ones(21)), soft, hard)
    muscle, fat = (mass_attenuation(m, energy) for m in (MUSCLE, ADIPOSE))
    bone, metal = (excess(m, np.array(energy)) for m in (APATITE, TITANIUM))
    depth = muscle * soft[0] + fat * soft[1] + bone * 1.5 + metal * 0.4
    np.testing.assert_allclose(found, np.exp(-depth), rtol=2e-4)


@pytest.mark.parametrize("kvp", [60.0, 75.0, 100.0])
def test_few_energies_do_for_the_whole_spectrum(kvp):
    beam = tube_beam(kvp, 3.0)
    response = beam.energy_kev**0.5
    mass = np.linspace(0, 35, 71).astype(np.float32)
    mineral = np.array([0, 0.5, 2, 4], np.float32)
    soft = np.zeros((2, 4, 71), np.float32)
    soft[0] = mass
    hard = np.broadcast_to(mineral[None, :, None], (1, 4, 71)).copy()
    weight = beam.fluence * response / (beam.fluence * response).sum()
    depth = np.multiply.outer(mass, mass_attenuation(MUSCLE, beam.energy_kev))
    thick = np.multiply.outer(mineral, excess(APATITE, beam.energy_kev))
    whole = (weight * np.exp(-depth[None] - thick[:, None])).sum(axis=-1)
    found = transmission(absorption_of(beam, response), soft, hard)
    np.testing.assert_allclose(found, whole, rtol=1e-3)
    assert (np.diff(np.log(found[0]), 2) > -1e-5).all(), "the beam hardens"
