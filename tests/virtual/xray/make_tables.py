"""Write bmdpipe/virtual/xray/tables.py from SpekPy, which is no dependency of the library.

`pip install spekpy==2.5.4`, then `python tests/virtual/xray/make_tables.py`.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import spekpy

TARGET = Path(__file__).parents[3] / "bmdpipe/virtual/xray/tables.py"
ENERGIES = (10, 15, 20, 30, 40, 50, 60, 80, 100, 150)
SYMBOLS = ("H", "C", "N", "O", "Na", "Al", "P", "S", "Cl", "Ar", "K", "Ca", "Ti", "V", "Cr", "Co")
NUMBERS = (1, 6, 7, 8, 11, 13, 15, 16, 17, 18, 19, 20, 22, 23, 24, 27)
ELEMENTS = dict(zip(SYMBOLS, NUMBERS, strict=True))
EDGED = {"Mo": 42, "I": 53, "Cs": 55}
ANODE_DEG = 12.0
KVP = (*range(60, 101, 5), 110, 120, 130, 140)
SHARES = tuple(round(0.16 + 0.04 * i, 2) for i in range(22))
LINES = (57.5, 59.5, 67.5, 69.5)
HEEL_DEG = tuple(range(-10, 11, 2))

HEAD = '''"""Published figures of the X-ray room, written by tests/virtual/xray/make_tables.py.

Source: SpekPy 2.5.4 (MIT licence; Poludniowski et al. 2021, Med Phys 48:3630): its file of the
coefficients of NIST (Hubbell and Seltzer, NISTIR 5632, tables 3 and 4), and its spectra of a
tungsten anode of {angle:g} degrees, physics "kqp".
"""

from __future__ import annotations

# fmt: off
'''


def listed(name: str, values: Iterable[float], words: str = "") -> str:
    return f"\n{name} = {row(values, 4)}\n" + (f'"""{words}"""\n' if words else "")


def mapped(name: str, rows: dict, words: str) -> str:
    body = "".join(f"    {json.dumps(key)}: {row(values, 8)},\n" for key, values in rows.items())
    return f'\n{name} = {{\n{body}}}\n"""{words}"""\n'


def row(values: Iterable[float], indent: int) -> str:
    """A tuple, broken into lines of the house's width."""
    text = ", ".join(f"{v:.4g}" for v in values)
    if len(text) < 80:
        return f"({text})"
    space = " " * indent
    lines = textwrap.wrap(text, 100, initial_indent=space, subsequent_indent=space)
    return "(\n" + "\n".join(lines) + ",\n" + " " * (indent - 4) + ")"


def nist(z: int) -> tuple[np.ndarray, np.ndarray]:
    """Energy in keV and coefficient, cm2/g; a K edge stands twice."""
    folder = Path(spekpy.__file__).parent / "data/tables"
    raw = json.loads((folder / "nist_mu.dat").read_text())
    energy = np.round(1000 * np.array(raw["photon energy"][z - 1]), 2)
    value = np.array(raw["mu_over_rho"][z - 1])
    keep = (energy > 9.99) & (energy < 150.1)
    energy, value = energy[keep], value[keep]
    again = np.r_[False, (np.diff(energy) == 0) & (np.diff(value) == 0)]
    return energy[~again], value[~again]


def main() -> None:
    text = HEAD.format(angle=ANODE_DEG)
    text += listed("ENERGIES_KEV", ENERGIES)
    rows = {}
    for symbol, z in ELEMENTS.items():
        energy, value = nist(z)
        assert np.allclose(energy, ENERGIES), symbol
        rows[symbol] = value
    text += mapped("ELEMENTS", rows, "Mass attenuation coefficients, cm2/g, at ENERGIES_KEV.")
    edged = {}
    for symbol, z in EDGED.items():
        energy, value = nist(z)
        edge = int(np.argmax(np.diff(value) > 0)) + 1
        edged[f"{symbol} below"] = np.stack([energy[:edge], value[:edge]]).T.ravel()
        edged[f"{symbol} above"] = np.stack([energy[edge:], value[edge:]]).T.ravel()
    text += mapped(
        "EDGED", edged, "Energy in keV and coefficient in turn, on each side of the K edge."
    )
    folder = Path(spekpy.__file__).parent / "data/tables"
    air = json.loads((folder / "nist_muen_air.dat").read_text())
    energy = 1000 * np.array(air["photon energy"])
    keep = (energy > 9.99) & (energy < 150.1)
    assert np.allclose(energy[keep], ENERGIES)
    words = "Mass energy-absorption coefficient of air, cm2/g, at ENERGIES_KEV."
    text += listed("AIR_ABSORPTION", np.array(air["muen_over_rho_air"])[keep], words)
    text += listed("SHARES", SHARES, "Photon energy over tube voltage, of BREMSSTRAHLUNG.")
    text += listed("LINES_KEV", LINES, "Where the K lines of tungsten are put.")
    brems, lines = {}, {}
    for kvp in KVP:
        tube = spekpy.Spek(kvp=kvp, th=ANODE_DEG, dk=0.25, mu_data_source="nist", physics="kqp")
        at, fluence = tube.get_spectrum(char=False)
        brems[kvp] = np.interp(np.array(SHARES) * kvp, at, fluence * 1e-6, right=0.0)
        at, fluence = tube.get_spectrum(brem=False)
        lines[kvp] = [0.25e-6 * fluence[np.abs(at - line) <= 1.0].sum() for line in LINES]
    words = "1e6 photons per cm2, keV and mAs, 1 m from the focus of an unfiltered tube, by kV."
    text += mapped("BREMSSTRAHLUNG", brems, words)
    text += mapped("K_LINES", lines, "1e6 photons per cm2 and mAs in each line, as above, by kV.")
    text += listed("HEEL_DEG", HEEL_DEG, "Angle off the central ray; the anode's side is positive.")
    heel = []
    for angle in HEEL_DEG:
        off = 100.0 * float(np.tan(np.deg2rad(angle)))
        tube = spekpy.Spek(
            kvp=75, th=ANODE_DEG, x=-off, dk=0.5, mu_data_source="nist", physics="kqp", obli=False
        )
        tube.multi_filter([("Al", 3.0), ("Water", 200.0)])
        # SpekPy follows the inverse square law; the table is of the emission alone.
        heel.append(tube.get_eflu() * (1 + (off / 100.0) ** 2))
    heel = np.array(heel) / heel[HEEL_DEG.index(0)]
    words = "Energy per solid angle behind 3 mm of aluminium and 20 cm of water at 75 kV."
    text += listed("HEEL", heel, words)
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
