"""The virtual CT scanner: a subject on phantom and table, a slab of slices at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.ct.couch import Couch, Rod, draw_couch, paint_couch
from bmdpipe.virtual.ct.hardening import WATER_PER_MM
from bmdpipe.virtual.ct.image_chain import ImageChain, Slice
from bmdpipe.virtual.ct.noise import REFERENCE_DIAMETER_MM, NoiseSource, noise_level_hu
from bmdpipe.virtual.ct.partial_volume import SlabFields, add_bones, fields_of, shares
from bmdpipe.virtual.ct.scale import Scale, draw_scale, scan_date
from bmdpipe.virtual.ct.slice_profile import plane_weights
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.fine_grid import CtGrid
from bmdpipe.virtual.hip.soft_tissue import tissue_fractions

LEAN_HU, FAT_HU, AIR_HU = 48.0, -100.0, -1000.0
SLAB_VOXELS = 4_000_000
EXPOSURE_RANGE = (0.35, 2.5)
"""What automatic exposure can make of the protocol's exposure."""


@dataclass(frozen=True)
class Session:
    """What holds for a whole scan."""

    grid: CtGrid
    scale: Scale
    couch: Couch
    feet_first: bool
    day: date
    mas: float
    isocentre_mm: NDArray[np.float64]
    """x and y of the gantry's axis."""

    @property
    def rods(self) -> tuple[Rod, ...]:
        return self.couch.rods


@dataclass(frozen=True)
class Slab:
    """Slices `start` and on as stored (HU, int16), and what is true of them."""

    start: int
    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    density: NDArray[np.int16]


@dataclass(frozen=True)
class Scan:
    """A whole CT in memory and what is true of it, all on one grid."""

    hu: Volume
    labels: Volume
    density: Volume
    scale: Scale
    rods: tuple[Rod, ...]
    feet_first: bool


def draw_session(config: VirtualConfig, anatomy: Anatomy) -> Session:
    """Everything random about a scan but its noise."""
    number, grid, ct = anatomy.person.number, anatomy.grid, config.ct
    scale = draw_scale(ct, config.seed, number)
    rng = stream(config.seed, number, "ct")
    feet_first = bool(rng.random() < ct.feet_first_fraction)
    couch = draw_couch(config.phantom, grid, anatomy.soft.back_mm, scale, rng, feet_first)
    middle = np.array(grid.origin_mm[:2]) + 0.5 * (ct.matrix - 1) * ct.pixel_mm
    return Session(
        grid=grid,
        scale=scale,
        couch=couch,
        feet_first=feet_first,
        day=scan_date(ct, number),
        mas=round(ct.exposure_mas * _automatic_exposure(ct, anatomy, scale), 1),
        isocentre_mm=middle + rng.uniform(-1, 1, 2) * [4.0, 15.0],
    )


def _automatic_exposure(config: CtConfig, anatomy: Anatomy, scale: Scale) -> float:
    """Factor on the exposure by the water-equivalent diameter of the middle slice, as a scout would
    show it. Source: AAPM report 220."""
    hu = _soft(config, anatomy, scale, anatomy.grid.size[2] // 2, 1)
    area = float((1.0 + hu / 1000.0).sum()) * config.pixel_mm**2
    diameter = 2.0 * float(np.sqrt(max(area, 0.0) / np.pi))
    extra = WATER_PER_MM * (diameter - REFERENCE_DIAMETER_MM)
    return float(np.clip(np.exp(config.exposure_adaptation * extra), *EXPOSURE_RANGE))


def slabs(
    config: VirtualConfig, anatomy: Anatomy, session: Session, thickness: int | None = None
) -> Iterator[Slab]:
    """The slices from below, `thickness` at a time; no slice depends on it, nor on the threads."""
    ct, n = config.ct, anatomy.grid.size[2]
    step = thickness or max(SLAB_VOXELS // ct.matrix**2, 1)
    chain, noise = ImageChain.of(ct), NoiseSource.of(ct, config.seed, anatomy.person.number)
    level = noise_level_hu(ct, session.mas)
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        for start in range(0, n, step):
            count = min(step, n - start)
            fields, metals = _there(ct, anatomy, session, start, count)
            reach = noise.reach if level > 0 else 0
            around = range(start - reach, start + count + reach) if level > 0 else range(0)
            whites = list(pool.map(noise.white, around))

            def acquired(k: int) -> NDArray[np.int16]:
                hu, mineral = fields.hu[k], fields.mineral[k]  # noqa: B023
                paint_couch(session.couch, session.grid, start + k, hu, mineral)  # noqa: B023
                alloys = {m: s[k] for m, s in metals.items() if s[k].any()}  # noqa: B023
                window = whites[k : k + 2 * reach + 1]  # noqa: B023
                grain = noise.coloured(window) if level > 0 else None
                return chain.form(Slice(hu, mineral, alloys), grain, level)

            hu = np.stack(list(pool.map(acquired, range(count))))
            yield Slab(start, hu, fields.labels, np.rint(fields.density).astype(np.int16))


def _there(
    config: CtConfig, anatomy: Anatomy, session: Session, start: int, count: int
) -> tuple[SlabFields, dict[str, NDArray[np.float32]]]:
    """Tissue and each alloy's share in a slab, as the slice profile sees them."""
    fields = fields_of(_soft(config, anatomy, session.scale, start, count))
    add_bones(fields, anatomy.bodies.values(), start, config, session.scale)
    metals: dict[str, NDArray[np.float32]] = {}
    for implant in anatomy.implants:
        share = shares(implant.share, start, fields.hu.shape, config)
        metals[implant.material] = metals.get(implant.material, np.float32(0)) + share
    return fields, metals


def _soft(
    config: CtConfig, anatomy: Anatomy, scale: Scale, start: int, count: int
) -> NDArray[np.float32]:
    """HU of soft tissue in a slab, weighed by the slice profile."""
    weights, before = plane_weights(config.thickness_mm, config.slice_mm, 1, False)
    x, y, z = anatomy.grid.origin_mm
    lowest = round(z + (start - before) * config.slice_mm, 6)
    lean, fat = tissue_fractions(
        anatomy.soft,
        {s: anatomy.thigh(s) for s in ("R", "L")},
        (x, y, lowest),
        anatomy.grid.spacing_mm,
        (config.matrix, config.matrix, count + len(weights) - 1),
        lying=True,
    )
    result = np.full((count, config.matrix, config.matrix), AIR_HU, np.float32)
    for j, weight in enumerate(weights):
        for part, nominal in ((lean, LEAN_HU), (fat, FAT_HU)):
            rise = np.float32(weight * (scale.hu_of_nominal(nominal) - AIR_HU))
            result += part[j : j + count] * rise
    return result


def scan(config: VirtualConfig, anatomy: Anatomy) -> Scan:
    """A CT of the subject and its truth, whole in memory: for small grids."""
    session, grid = draw_session(config, anatomy), anatomy.grid
    parts = list(slabs(config, anatomy, session))
    return Scan(
        hu=grid.volume(np.concatenate([p.hu for p in parts]), "HU"),
        labels=grid.volume(np.concatenate([p.labels for p in parts]), "label"),
        density=grid.volume(np.concatenate([p.density for p in parts]), "mg/cm3"),
        scale=session.scale,
        rods=session.rods,
        feet_first=session.feet_first,
    )
