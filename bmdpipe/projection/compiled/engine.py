"""Projection by numba, where no native core was built: the same functions, the same results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.compiled import adjoint, correlation, factored, joseph, siddon
from bmdpipe.projection.fineness import STEPS, Fineness, Method
from bmdpipe.projection.measure import Measure, image_shape
from bmdpipe.projection.rows import flat
from bmdpipe.projection.views import Views

AT_ONCE = 32
"""Images that are held at a time while a population is scored."""


def add_joseph(body: Body, views: Views, images: NDArray[np.float32], threads: int) -> None:
    """Add line integrals in value x mm to `images` `[n, h, w]`."""
    with _threads(threads):
        values, strides, size = _flat(body)
        joseph.add_images(values, body.bricks, strides, size, views, images)


def add_siddon(body: Body, views: Views, images: NDArray[np.float32], threads: int) -> None:
    """Add the same by exact path lengths through voxels of constant value."""
    with _threads(threads):
        siddon.add_images(*_flat(body), views, images)


def add_jet(body: Body, views: Views, images: NDArray[np.float32], threads: int) -> None:
    """Add Joseph's sums and those of the slopes in a slice to `images` `[n, 5, h, w]`."""
    with _threads(threads):
        values, strides, size = _flat(body)
        joseph.add_jets(values, body.bricks, strides, size, views, images)


def add_factored(
    body: Body, views: Views, images: NDArray[np.float32], threads: int, fineness: Fineness
) -> None:
    """Add factored line integrals; exact ones where the picture cannot be factored."""
    values, strides, size = _flat(body)
    with _threads(threads):
        for i, view in enumerate(views):
            box = (int(size[0]), int(size[1]), int(size[2]))
            made = factored.plan(view, box, images[i].shape, STEPS[fineness])
            if made is None:
                one = slice(i, i + 1)
                joseph.add_images(values, body.bricks, strides, size, views[one], images[one])
            else:
                factored.add_view(body, view, made, images[i])


def back_project(
    body: Body, views: Views, images: NDArray[np.float32], threads: int
) -> NDArray[np.float32]:
    """The transpose of `add_joseph`: what images `[n, h, w]` send to voxels `[z, y, x]`."""
    volume = np.zeros(body.values.shape, np.float32)
    with _threads(threads):
        for view, image in zip(views, images, strict=True):
            adjoint.back_project_view(view, image, volume)
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
    scores = np.zeros(len(views[0]))
    for begin in range(0, len(scores), AT_ONCE):
        part = slice(begin, min(begin + AT_ONCE, len(scores)))
        images = np.zeros((part.stop - begin, *image_shape(measure)), np.float32)
        if background is not None:
            images += background
        for body, view in zip(bodies, views, strict=True):
            if method == "factored":
                add_factored(body, view[part], images, threads, fineness)
            elif method == "siddon":
                add_siddon(body, view[part], images, threads)
            else:
                add_joseph(body, view[part], images, threads)
        with _threads(threads):
            correlation.correlate(
                images, measure.smooth, measure.slope, measure.fixed, measure.weight, scores[part]
            )
    return scores


def _flat(body: Body) -> tuple[NDArray, NDArray[np.int64], NDArray[np.int64]]:
    """The voxels in one line, strides and size in x, y, z order."""
    values = body.values
    strides = np.array(values.strides[::-1], np.int64) // values.itemsize
    return flat(values), strides, np.array(values.shape[::-1], np.int64)


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        numba.set_num_threads(before)
