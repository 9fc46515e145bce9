"""The patient in a CT: what is left when table, pillows and clothes are gone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.volume import Volume

TISSUE_HU = -300.0
"""Between air or foam and fat (own choice)."""
GRID_MM = 3.0
"""Of the coarse grid on which the body is found; thin shells of a table vanish on it."""
OPENED_MM = 6.0
"""What is thinner than twice this falls away before the largest piece is taken (own choice)."""


def body_mask(hu: Volume) -> NDArray[np.bool_]:
    """`[z, y, x]`: the largest piece of tissue, gas inside it included.

    A calibration phantom that the patient lies on stays with the body where it touches over a wide
    area. Raises ValueError if there is no tissue.
    """
    steps = [max(round(GRID_MM / s), 1) for s in hu.spacing_mm]
    sx, sy, sz = steps
    coarse = _means(hu.array, (sz, sy, sx)) > TISSUE_HU
    cell = np.array(hu.spacing_mm)[::-1] * (sz, sy, sx)
    core = (
        ndimage.distance_transform_edt(
            np.pad(coarse, ((1, 1), (0, 0), (0, 0)), mode="edge"), sampling=cell
        )[1:-1]
        > OPENED_MM
    )
    pieces, count = ndimage.label(core)
    if count == 0:
        raise ValueError("there is no tissue in this CT")
    largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    near = ndimage.distance_transform_edt(~largest, sampling=cell) <= OPENED_MM + cell.max()
    body = near & coarse
    for plane in body:
        # A cell that is mostly air still holds skin.
        plane[:] = ndimage.binary_dilation(ndimage.binary_fill_holes(plane))
    return _enlarged(body, (sz, sy, sx), hu.array.shape)


def _means(array: NDArray, steps: tuple[int, ...]) -> NDArray[np.float32]:
    """Block means; the last, incomplete blocks are averaged over what they have."""
    result = array
    for axis, step in enumerate(steps):
        starts = np.arange(0, array.shape[axis], step)
        sums = np.add.reduceat(result, starts, axis=axis, dtype=np.float32)
        counts = np.diff(np.append(starts, array.shape[axis])).astype(np.float32)
        result = sums / counts.reshape([-1 if a == axis else 1 for a in range(3)])
    return np.asarray(result, dtype=np.float32)


def _enlarged(
    mask: NDArray[np.bool_], steps: tuple[int, ...], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    index = [np.arange(n) // step for n, step in zip(shape, steps, strict=True)]
    return np.ascontiguousarray(mask[np.ix_(*index)])
