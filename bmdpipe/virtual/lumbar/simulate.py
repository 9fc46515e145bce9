"""One lumbar case, from its number to its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.files import CT_SERIES, DXA, TRUE_DENSITY, TRUE_LABELS, TRUTH
from bmdpipe.core.volume import Triple, Volume
from bmdpipe.geometry.pose import Matrix, about
from bmdpipe.imaging.nifti import write_volume
from bmdpipe.virtual.case_names import case_number
from bmdpipe.virtual.demographics import Person, draw_person, stream
from bmdpipe.virtual.lumbar.bones import FineGrid, place_bones
from bmdpipe.virtual.lumbar.dicom import write_slab
from bmdpipe.virtual.lumbar.reference import core_mask, dxa_reading, true_abmd
from bmdpipe.virtual.lumbar.scanner import Scale, acquire, draw_scale, soft_hu
from bmdpipe.virtual.lumbar.traits import VertebraTraits, draw_traits
from bmdpipe.virtual.lumbar.trunk import Trunk, draw_trunk

BODY, POSTERIOR = 1, 2
"""Labels of the slab's own vertebra; its neighbours are background."""
TRUE_CORE = "truth/core.nii.gz"


@dataclass(frozen=True)
class LumbarCase:
    """A slab as acquired and what is true of it, all on the CT's voxels."""

    person: Person
    traits: VertebraTraits
    trunk: Trunk
    pose: Matrix
    ct: Volume
    labels: Volume
    density: Volume
    core: Volume
    scale: Scale
    abmd_g_cm2: float
    vbmd_mg_cm3: float


def simulate_lumbar_case(config: LumbarConfig, case: str, folder: Path) -> dict[str, Any]:
    """Fill `folder` with the CT series and the DXA value, and `folder/truth`; returns the truth.

    Raises ValueError if the name is not one of the cohort's.
    """
    number = case_number(config.prefix, case)
    made = make_lumbar_case(config, number)
    write_slab(folder / CT_SERIES, config, case, made.person, made.ct, made.trunk.enhanced)
    reading = dxa_reading(config, number, made.abmd_g_cm2)
    write_json(folder / DXA, {"abmd_g_cm2": round(reading, 4), "device": config.dxa_device})
    write_volume(folder / TRUE_LABELS, made.labels)
    write_volume(folder / TRUE_DENSITY, made.density)
    write_volume(folder / TRUE_CORE, made.core)
    wear = made.traits.wear
    truth = {
        "hu": {"slope": made.scale.slope, "intercept": made.scale.intercept},
        "level": config.level,
        "middle_slice": config.slices // 2,
        "pose": made.pose.tolist(),
        "vbmd_mg_cm3": made.vbmd_mg_cm3,
        "abmd_g_cm2": made.abmd_g_cm2,
        "enhanced": made.trunk.enhanced,
        "wear": {
            "osteophytes": wear.osteophytes,
            "facets": list(wear.facets),
            "sclerosis": wear.sclerosis,
            "aortic_calcification": wear.calcification,
        },
    }
    write_json(folder / TRUTH, truth)
    return truth


def make_lumbar_case(config: LumbarConfig, number: int) -> LumbarCase:
    """The case of a number, in memory; nothing of another case plays in."""
    person = draw_person(config.demographics, config.seed, number)
    traits = draw_traits(config, person)
    trunk = draw_trunk(config, person, traits)
    rng = stream(config.seed, number, "placing")
    turn = np.clip(rng.standard_normal(3), -2.2, 2.2) * [4.0, 2.0, 3.0] + [-2.0, 0.0, 0.0]
    pose = about(
        np.zeros(3), turn, np.array([0.0, 0.0, 0.8 * np.clip(rng.standard_normal(), -2, 2)])
    )
    ct_grid = _ct_grid(config, trunk, rng)
    fine, divide, lower = _fine_grid(config, ct_grid, traits)
    bones = place_bones(traits, pose, trunk.aorta, fine, float(rng.uniform(0, 1000)))
    inside = slice(lower * divide[2], (lower + config.slices) * divide[2])
    place = _window(fine, ct_grid)
    scale = draw_scale(config, number)
    soft = soft_hu(trunk, ct_grid, scale, config.slope)
    fields = {
        name: _averaged(getattr(bones, name)[inside], divide, place, ct_grid)
        for name in ("fraction", "density", "body", "posterior")
    }
    ct = acquire(config, person, soft, fields["fraction"], fields["density"], scale, ct_grid)
    density = np.rint(fields["density"]).astype(np.int16)
    core = _in_window(core_mask(traits, pose, _part(ct_grid, place)), place, ct_grid)
    return LumbarCase(
        person=person,
        traits=traits,
        trunk=trunk,
        pose=pose,
        ct=ct,
        labels=ct.like(_labels(fields["body"], fields["posterior"]), "label"),
        density=ct.like(density, "mg/cm3"),
        core=ct.like(core.astype(np.uint8), "label"),
        scale=scale,
        abmd_g_cm2=true_abmd(bones, traits, pose, fine),
        vbmd_mg_cm3=float(density[core].mean()),
    )


def _labels(body: NDArray, posterior: NDArray) -> NDArray[np.uint8]:
    """Where both could be, at the root of a pedicle, the larger share decides."""
    labels = np.where(body >= posterior, BODY, POSTERIOR).astype(np.uint8)
    labels[np.maximum(body, posterior) < 0.5] = 0
    return labels


def _ct_grid(config: LumbarConfig, trunk: Trunk, rng: np.random.Generator) -> FineGrid:
    """The patient lies in the middle of the field, more or less; a field too small for the patient
    follows the spine, as a targeted reconstruction does."""
    side = config.matrix * config.pixel_mm
    middle = 0.5 * (trunk.front_mm + trunk.back_mm) + 12.0
    low, high = 60.0 - 0.5 * side, 0.5 * side - 60.0
    if side < 250.0:
        low, high = 5.0, 25.0
    x, y = np.array([0.0, np.clip(middle, min(low, high), max(low, high))]) + rng.uniform(-6, 6, 2)
    start = -(config.slices // 2) * config.slice_mm
    return FineGrid(
        size=(config.matrix, config.matrix, config.slices),
        spacing_mm=(config.pixel_mm, config.pixel_mm, config.slice_mm),
        origin_mm=(
            round(float(x) - 0.5 * side + 0.5 * config.pixel_mm, 3),
            round(float(y) - 0.5 * side + 0.5 * config.pixel_mm, 3),
            round(start, 3),
        ),
    )


def _fine_grid(
    config: LumbarConfig, ct: FineGrid, traits: VertebraTraits
) -> tuple[FineGrid, tuple[int, int, int], int]:
    """Fine voxels around the spine: the grid, how many of them make one of the CT's along x, y, z,
    and how many slices of it lie below the slab (the DXA value needs all of the vertebra)."""
    spacing = np.array(ct.spacing_mm)
    divide = np.maximum(np.ceil(spacing / config.grid_mm - 1e-6), 1).astype(int)
    reach = 0.5 * (traits.height + traits.disc) + 4.0
    lower = max(int(np.ceil((reach + ct.origin_mm[2]) / spacing[2])), 0)
    half_x = 0.5 * traits.span + 6.0
    low = np.array([-half_x, -0.5 * traits.depth - 32.0])
    high = np.array([half_x, 0.5 * traits.depth + traits.canal_depth + 42.0])
    first = np.maximum(np.floor((low - ct.origin_mm[:2]) / spacing[:2]), 0).astype(int)
    last = np.ceil((high - ct.origin_mm[:2]) / spacing[:2]).astype(int)
    last = np.minimum(last, np.array(ct.size[:2]) - 1)
    fine = spacing / divide
    corner = np.array([*first, -lower])
    origin = np.array(ct.origin_mm) + (corner - 0.5) * spacing + 0.5 * fine
    size = np.array([*(last - first + 1), config.slices + 2 * lower]) * divide
    return FineGrid(_ints(size), _triple(fine), _triple(origin)), _ints(divide), lower


def _window(fine: FineGrid, ct: FineGrid) -> tuple[slice, slice]:
    """Rows and columns of the CT that the fine grid covers."""
    slices = []
    for axis in (1, 0):
        edge = fine.origin_mm[axis] - 0.5 * fine.spacing_mm[axis] - ct.origin_mm[axis]
        first = round(edge / ct.spacing_mm[axis] + 0.5)
        count = round(fine.size[axis] * fine.spacing_mm[axis] / ct.spacing_mm[axis])
        slices.append(slice(first, first + count))
    return slices[0], slices[1]


def _part(ct: FineGrid, place: tuple[slice, slice]) -> FineGrid:
    rows, columns = place
    x, y, z = ct.origin_mm
    sx, sy, _ = ct.spacing_mm
    size = (columns.stop - columns.start, rows.stop - rows.start, ct.size[2])
    return FineGrid(size, ct.spacing_mm, (x + columns.start * sx, y + rows.start * sy, z))


def _averaged(
    field: NDArray[np.float32],
    divide: tuple[int, int, int],
    place: tuple[slice, slice],
    ct: FineGrid,
) -> NDArray[np.float32]:
    dx, dy, dz = divide
    nz, ny, nx = field.shape
    blocks = field.reshape(nz // dz, dz, ny // dy, dy, nx // dx, dx)
    return _in_window(blocks.mean(axis=(1, 3, 5)), place, ct)


def _in_window(part: NDArray, place: tuple[slice, slice], ct: FineGrid) -> NDArray:
    whole = np.zeros(ct.shape, part.dtype)
    whole[:, place[0], place[1]] = part
    return whole


def _ints(values: NDArray) -> tuple[int, int, int]:
    return int(values[0]), int(values[1]), int(values[2])


def _triple(values: NDArray) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])
