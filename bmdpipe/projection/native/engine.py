"""Projection by the native core: images, jets, back-projections and scores."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.fineness import STEPS, Fineness, Method
from bmdpipe.projection.measure import Measure, image_shape
from bmdpipe.projection.native.library import Correlation, Steps, Store, library
from bmdpipe.projection.rows import AXES, RowStore, size_along
from bmdpipe.projection.views import Views

JOSEPH, SIDDON, JET, FACTORED = range(4)
NUMBERS: dict[Method, int] = {"joseph": JOSEPH, "siddon": SIDDON, "factored": FACTORED}
EVERY_AXIS = 7
NO_MEMORY = -1


def available() -> bool:
    return library() is not None


def add_joseph(body: Body, views: Views, images: NDArray[np.float32], threads: int) -> None:
    """Add line integrals in value x mm to `images` `[n, h, w]`."""
    _exact(JOSEPH, body, views, images, threads)


def add_siddon(body: Body, views: Views, images: NDArray[np.float32], threads: int) -> None:
    """Add the same by exact path lengths through voxels of constant value."""
    _exact(SIDDON, body, views, images, threads)


def add_jet(body: Body, views: Views, images: NDArray[np.float32], threads: int) -> None:
    """Add Joseph's sums and those of the slopes in a slice to `images` `[n, 5, h, w]`."""
    _exact(JET, body, views, images, threads)


def add_factored(
    body: Body,
    views: Views,
    images: NDArray[np.float32],
    threads: int,
    fineness: Fineness,
) -> None:
    """Add factored line integrals; exact ones where the picture cannot be factored."""
    setting, done = _steps(fineness), np.zeros(len(views), np.uint8)
    height, width = images.shape[-2:]
    missing = EVERY_AXIS
    while missing:
        missing = _checked(
            _core().bmd_factored(
                _stores(body), _pointer(views), len(views), width, height, _pointer(images),
                ctypes.byref(setting), _pointer(done), threads,
            )
        )  # fmt: skip
        _make(body, missing)
    if done.all():
        return
    for left in np.flatnonzero(done == 0):
        add_joseph(body, views[left : left + 1], images[left : left + 1], threads)


def back_project(
    body: Body, views: Views, images: NDArray[np.float32], threads: int
) -> NDArray[np.float32]:
    """The transpose of `add_joseph`: what images `[n, h, w]` send to voxels `[z, y, x]`."""
    volume = np.zeros(body.values.shape, np.float32)
    size = np.array(volume.shape[::-1], np.int32)
    height, width = images.shape[-2:]
    _checked(
        _core().bmd_backproject(
            _pointer(views), len(views), width, height, _pointer(images), _pointer(size),
            _pointer(volume), threads,
        )
    )  # fmt: skip
    return volume


def score(
    method: Method,
    bodies: Sequence[Body],
    views: Sequence[Views],
    measure: Measure,
    background: NDArray[np.float32] | None,
    threads: int,
    fineness: Fineness,
) -> NDArray[np.float64]:
    """Gradient correlations `[n]` of the bodies' summed images, none of which is returned."""
    height, width = image_shape(measure)
    setting, every_view = _steps(fineness), np.ascontiguousarray(np.stack(views))
    correlation = Correlation(
        _pointer(measure.smooth), _pointer(measure.slope), len(measure.smooth),
        _pointer(measure.fixed), _pointer(measure.weight), width, height,
        float(measure.weight.sum(dtype=np.float64)),
    )  # fmt: skip
    scores = np.zeros(every_view.shape[1])
    missing = EVERY_AXIS
    while missing:
        stores = (Store * (3 * len(bodies)))(*(s for body in bodies for s in _stores(body)))
        missing = _checked(
            _core().bmd_score(
                NUMBERS[method], stores, _pointer(every_view), len(bodies), len(scores),
                width, height, ctypes.byref(setting),
                None if background is None else _pointer(background),
                ctypes.byref(correlation), _pointer(scores), threads,
            )
        )  # fmt: skip
        for body in bodies:
            _make(body, missing)
    return scores


def _exact(
    engine: int, body: Body, views: Views, images: NDArray[np.float32], threads: int
) -> None:
    height, width = images.shape[-2:]
    todo = EVERY_AXIS
    while todo:  # rays along an axis whose store is not there yet are left to the next round
        todo = _checked(
            _core().bmd_exact(
                engine, _stores(body), _pointer(views), len(views), width, height,
                _pointer(images), todo, threads,
            )
        )  # fmt: skip
        _make(body, todo)


def _make(body: Body, axes: int) -> None:
    for axis in range(3):
        if axes >> axis & 1:
            body.store(axis)


def _stores(body: Body) -> ctypes.Array[Store]:
    """Described anew only when a store has been made since: every call asks for it."""
    made, known = body.elsewhere.get("native", (-1, None))
    if made != len(body.stores):
        made = len(body.stores)
        known = (Store * 3)(*(_described(body.stores.get(a), body.values, a) for a in range(3)))
        body.elsewhere["native"] = made, known
    return known


def _described(store: RowStore | None, values: NDArray, axis: int) -> Store:
    size = size_along(values, axis)
    result = Store(na=size[0], nb=size[1], nc=size[2], is_float=values.dtype == np.float32)
    result.axis_a, result.axis_b, result.axis_c = AXES[axis]
    if store is not None:
        result.values, result.shift = store.values.ctypes.data, store.shift
        result.stride_a, result.stride_c = store.strides
        result.rows, result.blocks = store.runs.ctypes.data, store.blocks.ctypes.data
        result.rows_a, result.rows_c = (s // store.runs.itemsize for s in store.runs.strides)
    return result


def _steps(fineness: Fineness) -> Steps:
    along, across = STEPS[fineness]
    return Steps(along, across, True)


def _pointer(array: NDArray) -> ctypes.c_void_p:
    if not array.flags.c_contiguous:
        raise ValueError("the native core needs contiguous arrays")
    return ctypes.c_void_p(array.ctypes.data)


def _core() -> ctypes.CDLL:
    core = library()
    if core is None:
        raise RuntimeError("no native projection core was built; engine='numba' needs none")
    return core


def _checked(code: int) -> int:
    if code == NO_MEMORY:
        raise MemoryError("the native projection core ran out of memory")
    return code
