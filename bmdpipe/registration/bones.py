"""The bones of a CT prepared for matching with a radiograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.labels import BODIES, PELVIS
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.projection.body import Body

CONTACT_MM = 12.0
HEAD_RADIUS_MM = (15.0, 35.0)
SURFACE_POINTS = 4000
CUT_MM = 10.0


@dataclass(frozen=True)
class Bone:
    """One body: what it adds to soft tissue (`bodies` by the level's pixel size), the point that it
    turns about, and points of its surface, `[n, 3]`, all in CT world mm.

    `cut` says whether the CT ends inside the bone, below and above. There the moving image has an
    edge that the radiograph lacks, so that `surface_mm` keeps `CUT_MM` away from it.
    """

    bodies: Mapping[float, Body]
    centre_mm: NDArray[np.float64]
    surface_mm: NDArray[np.float64]
    cut: tuple[bool, bool]


def prepare_bones(density: Volume, labels: Volume, config: RegistrationConfig) -> dict[str, Bone]:
    """The bodies that the label map holds, from the calibrated CT in mg/cm3.

    Soft tissue is subtracted inside the widened mask, because a radiograph shows bone on soft
    tissue and not on air. A femur turns about its head, the pelvis about the middle of both.
    """
    heads = {
        name: head_centre(labels, label)
        for name, label in BODIES.items()
        if label != PELVIS and (labels.array == label).any()
    }
    bones = {}
    for name, label in BODIES.items():
        mask = labels.array == label
        if not mask.any():
            continue
        centre = heads.get(name)
        if centre is None:
            centre = np.mean(list(heads.values()), axis=0) if heads else _centroid(labels, mask)
        plan = config.pelvis if label == PELVIS else config.femur
        sizes = {level.pixel_mm for level in plan.levels} | set(config.refinement_pixel_mm)
        if label == PELVIS:
            sizes.add(config.scan.pixel_mm)
        excess = above_soft_tissue(density, labels, label, config)
        bodies = {size: Body.from_volume(coarser(excess, 0.85 * size)) for size in sizes}
        cut = (bool(mask[0].any()), bool(mask[-1].any()))
        bones[name] = Bone(bodies, centre, surface_points(labels, mask, cut), cut)
    return bones


def above_soft_tissue(
    density: Volume, labels: Volume, label: int, config: RegistrationConfig
) -> Volume:
    """Density above soft tissue inside the widened mask, never into another bone, cropped."""
    reach = [int(np.ceil(config.dilation_mm / s)) for s in density.spacing_mm[::-1]]
    box = bounding_slices(labels.array == label, max(reach) + 1)
    part, near = density.crop(*box), labels.array[box]
    spacing = density.spacing_mm[::-1]
    distance = ndimage.distance_transform_edt(near != label, sampling=spacing)
    inside = (distance <= config.dilation_mm) & ((near == label) | (near == 0))
    excess = np.clip(part.array.astype(np.float32) - config.soft_tissue_mg_cm3, 0, None)
    return part.like(np.where(inside, excess, 0).astype(np.float32), part.unit)


def coarser(volume: Volume, target_mm: float) -> Volume:
    """Block means with voxels of about `target_mm`, never finer than they are; zeros are padded."""
    factors = [max(1, round(target_mm / s)) for s in volume.spacing_mm]
    fx, fy, fz = factors
    pad = [(0, -n % f) for n, f in zip(volume.array.shape, (fz, fy, fx), strict=True)]
    array = np.pad(volume.array, pad)
    nz, ny, nx = (n // f for n, f in zip(array.shape, (fz, fy, fx), strict=True))
    blocks = array.reshape(nz, fz, ny, fy, nx, fx).mean(axis=(1, 3, 5), dtype=np.float32)
    origin = volume.world_at((np.array(factors) - 1) / 2)
    sx, sy, sz = (s * f for s, f in zip(volume.spacing_mm, factors, strict=True))
    return replace(
        volume,
        array=blocks,
        spacing_mm=(sx, sy, sz),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
    )


def head_centre(labels: Volume, femur: int) -> NDArray[np.float64]:
    """The femoral head's centre: a sphere fitted to the femur's surface that faces the pelvis.

    Falls back on the middle of the femur's top if the pelvis is missing or the fit is no head.
    """
    mask = labels.array == femur
    box = bounding_slices(mask, 8)
    near, part = labels.array[box], labels.crop(*box)
    own = near == femur
    surface = own & ~ndimage.binary_erosion(own)
    if (near == PELVIS).any():
        distance = ndimage.distance_transform_edt(near != PELVIS, sampling=labels.spacing_mm[::-1])
        z, y, x = np.nonzero(surface & (distance < CONTACT_MM))
        if z.size >= 30:
            points = part.world_at(np.stack([x, y, z], axis=1))
            centre, radius = fit_sphere(points)
            if HEAD_RADIUS_MM[0] <= radius <= HEAD_RADIUS_MM[1]:
                return centre
    z, y, x = np.nonzero(own)
    top = z >= z.max() - 40.0 / labels.spacing_mm[2]
    return part.world_at(np.array([x[top].mean(), y[top].mean(), z[top].mean()]))


def fit_sphere(points_mm: NDArray) -> tuple[NDArray[np.float64], float]:
    """Centre and radius of the algebraic least-squares sphere through points `[n, 3]`."""
    middle = points_mm.mean(axis=0)
    shifted = points_mm - middle
    system = np.column_stack([2 * shifted, np.ones(len(shifted))])
    solution, *_ = np.linalg.lstsq(system, (shifted**2).sum(axis=1), rcond=None)
    radius = float(np.sqrt(max(solution[3] + (solution[:3] ** 2).sum(), 0.0)))
    return solution[:3] + middle, radius


def surface_points(
    labels: Volume, mask: NDArray[np.bool_], cut: tuple[bool, bool]
) -> NDArray[np.float64]:
    """About `SURFACE_POINTS` points of the mask's surface `[n, 3]`, none near a cut end."""
    box = bounding_slices(mask, 1)
    part, own = labels.crop(*box), mask[box]
    z, y, x = np.nonzero(own & ~ndimage.binary_erosion(own))
    near = CUT_MM / labels.spacing_mm[2]
    kept = np.ones(z.size, bool)
    if cut[0]:
        kept &= z >= z.min() + near
    if cut[1]:
        kept &= z <= z.max() - near
    if not kept.any():
        kept[:] = True
    points = np.stack([x, y, z], axis=1)[kept]
    return part.world_at(points[:: max(1, len(points) // SURFACE_POINTS)])


def _centroid(labels: Volume, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    z, y, x = np.nonzero(mask)
    return labels.world_at(np.array([x.mean(), y.mean(), z.mean()]))
