"""Calibration phantoms as data, each with the material that its densities are stated in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from numpy.typing import NDArray

Material = Literal["HA", "K2HPO4"]
"""Hydroxyapatite (also written CHA) or dipotassium phosphate: never one labelled as the other."""
T = TypeVar("T", float, NDArray)


@dataclass(frozen=True)
class Phantom:
    """Rods in their order along the phantom, `densities` in mg/cm3 of `material`.

    `water` holds the rods' water equivalents (mg/cm3) where the maker gives them. `in_row` says
    whether the rods stand side by side in one row in the order given.
    """

    name: str
    maker: str
    material: Material
    densities: tuple[float, ...]
    source: str
    water: tuple[float, ...] | None = None
    in_row: bool = False


_BONELAB = "figures in use by Bonelab Ogo"
PHANTOMS: dict[str, Phantom] = {
    p.name: p
    for p in (
        Phantom(
            "B-MAS200",
            "Kyoto Kagaku",
            "HA",
            (0.0, 50.0, 100.0, 150.0, 200.0),
            "Uemura 2021, Int J CARS 16",
            in_row=True,
        ),
        Phantom(
            "Mindways Model 3 CT",
            "Mindways",
            "K2HPO4",
            (-51.83, -53.40, 58.88, 157.05, 375.83),
            _BONELAB,
            water=(1012.25, 1056.95, 1103.57, 1119.52, 923.20),
        ),
        Phantom("QRM-BDC 3-rod", "QRM", "HA", (100.0, 400.0, 800.0), _BONELAB),
        Phantom("QRM 6-rod", "QRM", "HA", (0.0, 100.0, 200.0, 400.0, 600.0, 800.0), _BONELAB),
        Phantom("QCT-3D Plus", "Image Analysis", "HA", (8.0, 97.3, 189.8), _BONELAB),
        Phantom("Osteo", "Siemens", "HA", (0.0, 200.0), _BONELAB),
    )
}


def ha_from_k2hpo4(mg_cm3: T) -> T:
    """Hydroxyapatite equivalent of a K2HPO4 density, mg/cm3. Source: Faulkner 1993."""
    return 1.15 * mg_cm3 - 7.32


def k2hpo4_from_ha(mg_cm3: T) -> T:
    """K2HPO4 equivalent of a hydroxyapatite density, mg/cm3. Source: Faulkner 1993."""
    return (mg_cm3 + 7.32) / 1.15


def ha_densities(phantom: Phantom) -> tuple[float, ...]:
    """The rods' densities in mg/cm3 of hydroxyapatite, converted where the phantom is K2HPO4."""
    if phantom.material == "HA":
        return phantom.densities
    return tuple(ha_from_k2hpo4(density) for density in phantom.densities)
