"""Attenuation against NIST's tables as read, and against another library where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.virtual.xray import materials as m
from bmdpipe.virtual.xray.materials import mass_attenuation

KEV = [20, 30, 40, 50, 60, 80, 100]
CORTICAL_BONE = m.Material(
    1.92,
    (
        *(("H", 0.034), ("C", 0.155), ("N", 0.042), ("O", 0.435), ("Na", 0.001)),
        *(("P", 0.103), ("S", 0.003), ("Ca", 0.225)),
    ),
)
NIST = {
    "water": (m.WATER, [0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707]),
    "muscle": (m.MUSCLE, [0.8205, 0.3783, 0.2685, 0.2262, 0.2048, 0.1823, 0.1693]),
    "adipose": (m.ADIPOSE, [0.5677, 0.3063, 0.2396, 0.2123, 0.1974, 0.1800, 0.1688]),
    "bone": (CORTICAL_BONE, [4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855]),
    "aluminium": (m.ALUMINIUM, [3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704]),
}
"""cm2/g, NISTIR 5632 tables 3 and 4."""


@pytest.mark.parametrize("name", NIST)
def test_mixtures_of_the_elements_are_those_of_nist(name):
    """Of bone, magnesium's 0.2 % of the mass is left out."""
    material, published = NIST[name]
    found = mass_attenuation(material, KEV)
    np.testing.assert_allclose(found, published, rtol=0.003 if name != "bone" else 0.004)


@pytest.mark.parametrize(
    "material",
    [m.MUSCLE, m.ADIPOSE, m.WATER, m.AIR, m.APATITE, m.TITANIUM, m.COBALT_CHROME, m.ALUMINIUM],
)
def test_fractions_are_of_the_whole_mass(material):
    assert sum(f for _, f in material.fractions) == pytest.approx(1, abs=2e-3)


def test_iodine_and_caesium_have_their_k_edges():
    below, above = mass_attenuation(m.CAESIUM_IODIDE, [33.0, 33.4])
    assert above > 2 * below
    below, above = mass_attenuation(m.CAESIUM_IODIDE, [35.9, 36.1])
    assert above > 1.5 * below


@pytest.mark.parametrize(
    ("material", "formula"),
    [
        (m.WATER, "H2O"),
        (m.APATITE, "Ca10P6O26H2"),
        (m.ALUMINIUM, "Al"),
        (m.TITANIUM, "Ti0.8804Al0.1041V0.0368"),
        (m.COBALT_CHROME, "Co0.6498Cr0.3125Mo0.0363"),
    ],
)
def test_elam_s_tables_agree(material, formula):
    """The oracle's own tables (Elam 2002) lie within 2 % of NIST's."""
    xraydb = pytest.importorskip("xraydb")
    energy = np.array([25, 34, 45, 57, 72, 90.0])
    oracle = xraydb.material_mu(formula, 1000 * energy, density=1.0)
    np.testing.assert_allclose(mass_attenuation(material, energy), oracle, rtol=0.02)
