"""Bringing any volume to the canonical patient axes: x to the left, y posterior, z superior."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume

ALIGNED_DEG = 0.05
"""Axes nearer than this to the patient's are taken as aligned: 0.2 mm at 250 mm."""
SAME_GRID_MM = 0.01


def to_canonical(
    array: NDArray, world_from_index: NDArray, unit: str, fill: float, nearest: bool = False
) -> Volume:
    """A volume whose direction is the identity, from an array `[k, j, i]` and its 4x4 affine.

    Axes that run along the patient's are permuted and flipped, which changes no value. Oblique or
    sheared ones (a tilted gantry) are resampled onto the box around them at the same voxel size,
    linearly or, for labels, by the `nearest` voxel; outside lies `fill`.
    """
    axes = np.asarray(world_from_index, dtype=float)[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    order = nearest_axes(axes / spacing)
    if is_aligned(axes):
        return _permuted(array, world_from_index, order, unit)
    step = spacing[list(order)]
    corners = np.stack(
        np.meshgrid(*[(-0.5, n - 0.5) for n in array.shape[::-1]], indexing="ij"), axis=-1
    ).reshape(-1, 3)
    world = corners @ axes.T + world_from_index[:3, 3]
    low, high = world.min(axis=0), world.max(axis=0)
    size = np.maximum(np.floor((high - low) / step + 1e-6), 1).astype(int)
    origin = (low + high) / 2 - (size - 1) / 2 * step
    grid = Volume(
        np.broadcast_to(np.zeros((), array.dtype), tuple(int(n) for n in size[::-1])),
        _triple(step),
        _triple(origin),
        unit,
    )
    return resampled(array, world_from_index, grid, unit, fill, nearest)


def is_aligned(axes: NDArray) -> bool:
    """Whether the columns run along the patient's axes, each along its own."""
    cosines = np.abs(axes / np.linalg.norm(axes, axis=0))
    order = nearest_axes(axes)
    return all(
        cosines[world, column] >= np.cos(np.radians(ALIGNED_DEG))
        for world, column in enumerate(order)
    )


def nearest_axes(axes: NDArray) -> tuple[int, ...]:
    """For the world's x, y, z: the array axis (0 = i, 1 = j, 2 = k) that runs along it most."""
    cosines = np.abs(axes / np.linalg.norm(axes, axis=0))
    return max(
        permutations(range(3)), key=lambda order: sum(cosines[w, a] for w, a in enumerate(order))
    )


def resampled(
    array: NDArray,
    world_from_index: NDArray,
    grid: Volume,
    unit: str,
    fill: float,
    nearest: bool = False,
) -> Volume:
    """The values of an array with any affine on the voxels of `grid`."""
    # Most jobs only read what lies along the axes, and are spared this import.
    import SimpleITK as sitk

    source = sitk.GetImageFromArray(np.ascontiguousarray(array))
    index_from_world = np.linalg.inv(world_from_index)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(index_from_world[:3, :3].ravel().tolist())
    transform.SetTranslation(index_from_world[:3, 3].tolist())
    result = sitk.Resample(
        source,
        list(grid.size),
        transform,
        sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear,
        list(grid.origin_mm),
        list(grid.spacing_mm),
        grid.direction.ravel().tolist(),
        fill,
        source.GetPixelID() if nearest else sitk.sitkFloat32,
    )
    values = sitk.GetArrayFromImage(result)
    if array.dtype.kind in "iu" and not nearest:
        values = np.rint(values)  # a plain cast would cut towards zero
    return grid.like(values.astype(array.dtype, copy=False), unit)


def labels_on(labels: Volume, grid: Volume, case: str) -> Volume:
    """A label map on the voxels of `grid`: copied where they are the same, else the nearest label.

    Raises CaseError E_FOV if the map covers no part of the grid, E_HANDEDNESS if it is mirrored.
    """
    check_handedness(labels.direction, case, "the label map")
    same = labels.size == grid.size and np.allclose(
        labels.world_from_index, grid.world_from_index, atol=SAME_GRID_MM, rtol=0
    )
    array = labels.array.astype(np.uint8, copy=False)
    if same:
        return grid.like(array, "label")
    canonical = to_canonical(array, labels.world_from_index, "label", fill=0, nearest=True)
    if canonical.size == grid.size and np.allclose(
        canonical.world_from_index, grid.world_from_index, atol=SAME_GRID_MM, rtol=0
    ):
        return grid.like(canonical.array, "label")
    moved = resampled(array, labels.world_from_index, grid, "label", fill=0, nearest=True)
    if array.any() and not moved.array.any():
        raise CaseError("E_FOV", case, "the label map lies outside the CT: is it this patient's?")
    return moved


def check_handedness(direction: NDArray, case: str, what: str) -> None:
    """Raises CaseError E_HANDEDNESS on left-handed axes, in which left and right are in doubt."""
    if np.linalg.det(direction) < 0:
        hint = f"{what} has left-handed axes: write it again with a right-handed affine"
        raise CaseError("E_HANDEDNESS", case, hint)


def _permuted(array: NDArray, matrix: NDArray, order: tuple[int, ...], unit: str) -> Volume:
    axes = np.asarray(matrix, dtype=float)[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)[list(order)]
    first = np.zeros(3)
    flips: list[slice] = []
    for world, column in enumerate(order):
        backwards = axes[world, column] < 0
        flips.append(slice(None, None, -1 if backwards else 1))
        if backwards:
            first[column] = array.shape[2 - column] - 1
    # The array's axes are k, j, i: the world axis w takes the array axis 2 - order[w].
    turned = array.transpose([2 - order[world] for world in (2, 1, 0)])[tuple(reversed(flips))]
    origin = axes @ first + matrix[:3, 3]
    return Volume(np.ascontiguousarray(turned), _triple(spacing), _triple(origin), unit)


def _triple(values: NDArray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
