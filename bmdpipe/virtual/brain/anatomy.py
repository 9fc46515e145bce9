"""A head as T1-weighted signal and as an atlas of regions, in its own frame (mm, LPS).

Origin in the middle of the brain: x to the left, y to the back, z up. Tissues are painted one over
the other; signals are parts of white matter's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.brain.shapes import Field, ellipsoid, share_inside, tube
from bmdpipe.virtual.brain.traits import BrainTraits

SCALP, SKULL, MUSCLE, FLUID, GREY, WHITE = 0.75, 0.06, 0.4, 0.18, 0.62, 1.0
HEAD_AXES = np.array([76.0, 95.0, 86.0])
SKULL_AXES = np.array([70.0, 89.0, 80.0])
INNER_AXES = np.array([65.0, 84.0, 75.0])
BRAIN_AXES = np.array([62.5, 81.5, 63.0])
BRAIN_CENTRE = np.array([0.0, 0.0, 8.0])
SULCUS_DEPTH, TEMPORAL_DEPTH, CORTEX = 15.0, 6.0, 4.5
TEMPORAL_CENTRE, TEMPORAL_AXES = (38.0, -4.0, -20.0), (23.0, 42.0, 24.0)
HIPPOCAMPUS = np.array([[23.0, -12, -15], [26, 0, -17], [28, 12, -14], [25, 24, -7]])
HIPPOCAMPUS_RADII = np.array([6.5, 6.3, 5.2, 3.6])
REGIONS = (
    "frontal", "parietal", "temporal", "occipital", "hippocampus", "lateral ventricle", "thalamus",
    "basal ganglia", "cerebellum",
)  # fmt: skip
STEM = 2 * len(REGIONS) + 1
ATLAS: dict[int, str] = {
    **{2 * k + 1: f"{name} L" for k, name in enumerate(REGIONS)},
    **{2 * k + 2: f"{name} R" for k, name in enumerate(REGIONS)},
    STEM: "brain stem",
}


def paint(points: NDArray, traits: BrainTraits, voxel_mm: float) -> tuple[Field, NDArray[np.uint8]]:
    """Signal and atlas label at points `[..., 3]` of the head's frame."""
    p = (points / traits.axes).astype(np.float32)
    canvas = _Canvas(p, voxel_mm)
    canvas.add(ellipsoid(p, (0, 0, 0), HEAD_AXES), SCALP)
    canvas.add(ellipsoid(p, (0, 0, 0), SKULL_AXES), SKULL)
    inner = ellipsoid(p, (0, 0, 0), INNER_AXES)
    canvas.add(inner, FLUID)
    canvas.add(np.maximum(inner, _base(p)), MUSCLE)
    _cerebrum(canvas, traits)
    _cerebellum(canvas, traits)
    for side in (1, -1):
        _deep(canvas, traits, side)
    return canvas.signal, canvas.label


class _Canvas:
    """Signal and labels so far, to paint over."""

    def __init__(self, points: NDArray, voxel_mm: float) -> None:
        self.points, self.voxel_mm = points, voxel_mm
        self.signal: Field = np.zeros(points.shape[:-1], np.float32)
        self.label: NDArray[np.uint8] = np.zeros(points.shape[:-1], np.uint8)

    def add(self, distance: NDArray, signal: float, label: int | NDArray | None = None) -> None:
        share = share_inside(distance, self.voxel_mm)
        self.signal += share * (signal - self.signal)
        if label is not None:
            self.label = np.where(share >= 0.5, label, self.label).astype(np.uint8)


def _cerebrum(canvas: _Canvas, traits: BrainTraits) -> None:
    p = canvas.points
    valley = _folds(p, traits)
    mirrored = np.abs(p) * [1, 0, 0] + p * [0, 1, 1]
    dome = ellipsoid(p, BRAIN_CENTRE, BRAIN_AXES)
    temporal = ellipsoid(mirrored, TEMPORAL_CENTRE, TEMPORAL_AXES)
    floor = -12 - p[..., 2]
    fissure = 1.6 - np.abs(p[..., 0]) - 3 * np.maximum(0, 6 - p[..., 2])
    # Sulci open to the outside and not through the floor, where the deep structures lie.
    for width, inset, signal, label in ((1.0, 0.0, GREY, _lobes(p)), (2.0, CORTEX, WHITE, None)):
        deep = valley(width)
        upper = np.maximum(dome + SULCUS_DEPTH * deep, floor)
        lower = temporal + TEMPORAL_DEPTH * deep
        canvas.add(np.maximum(np.minimum(upper, lower), fissure) + inset, signal, label)


def _base(p: NDArray) -> Field:
    """Below the skull's base: deep at the back for the cerebellum, high in front."""
    floor = np.where(p[..., 1] > 12, -62.0, np.where(np.abs(p[..., 0]) < 14, -22.0, -46.0))
    return p[..., 2] - floor


def _folds(points: NDArray, traits: BrainTraits) -> Callable[[float], Field]:
    """Sulci as valleys along the zero lines of a smooth field on the sphere of directions: how deep
    (0 to 1) a point lies in one, for sulci of a width."""
    q = (points - BRAIN_CENTRE) / BRAIN_AXES
    direction = q / np.maximum(np.linalg.norm(q, axis=-1, keepdims=True), 0.05)
    field = np.zeros(points.shape[:-1], np.float32)
    for wave, phase in zip(traits.waves, traits.phases, strict=True):
        field += np.sin(direction @ wave.astype(np.float32) + np.float32(phase))
    height = np.abs(field)
    return lambda width: np.clip(1 - height / (0.5 * width), 0, 1)


def _lobes(p: NDArray) -> NDArray[np.uint8]:
    """Lobe by planes: temporal below and to the side, then frontal, parietal, occipital by y."""
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    lobe = np.where(y < 5 - 0.3 * (z - 20), 0, np.where(y < 48, 1, 3))
    lobe = np.where((z < 2 + 0.15 * y) & (x > 12) & (y > -45) & (y < 48), 2, lobe)
    return (2 * lobe + np.where(p[..., 0] >= 0, 1, 2)).astype(np.uint8)


def _cerebellum(canvas: _Canvas, traits: BrainTraits) -> None:
    p = canvas.points
    leaves = 0.5 + 0.5 * np.sin(1.1 * p[..., 2] + 0.5 * p[..., 1] + traits.phases[0])
    body = ellipsoid(p, (0, 46, -36), (48, 30, 22))
    label = np.where(p[..., 0] >= 0, _label("cerebellum", 1), _label("cerebellum", -1))
    canvas.add(body + 1.5 * leaves, GREY, label)
    canvas.add(body + 5 + 3 * leaves, WHITE)
    canvas.add(tube(p, [[0, 12, -8], [0, 18, -32], [0, 24, -62]], [13, 11, 8]), 0.9, STEM)


def _deep(canvas: _Canvas, traits: BrainTraits, side: int) -> None:
    """Ventricle, deep grey matter and hippocampus of one side; left is +1."""
    p = canvas.points * np.array([side, 1, 1], np.float32)
    grow = np.sqrt(traits.ventricles)
    path = [[8, -30, 14], [9, -8, 22], [13, 15, 22], [20, 30, 12], [22, 42, 8]]
    canvas.add(
        tube(p, path, grow * np.array([4.0, 5.5, 5.5, 5.0, 2.5])),
        FLUID,
        _label("lateral ventricle", side),
    )
    canvas.add(ellipsoid(p, (10, 6, 8), (8, 14, 9)), 0.72, _label("thalamus", side))
    canvas.add(ellipsoid(p, (24, -10, 6), (8, 18, 12)), 0.72, _label("basal ganglia", side))
    _hippocampus(canvas, p, traits.loss[0 if side > 0 else 1], side)


def _hippocampus(canvas: _Canvas, p: NDArray, loss: float, side: int) -> None:
    """Grey matter in a bed that keeps its size; fluid of the temporal horn fills what is lost.

    A share of volume is lost across the structure's course, so that the radius goes by its root.
    """
    bed = tube(p, HIPPOCAMPUS, HIPPOCAMPUS_RADII + 1.0)
    canvas.add(bed, FLUID, _label("hippocampus", side))
    # What is left lies on the floor of the bed.
    left = np.sqrt(1 - loss)
    floor = HIPPOCAMPUS - np.array([0.0, 0.0, 1.0]) * (HIPPOCAMPUS_RADII * (1 - left))[:, None]
    canvas.add(tube(p, floor, left * HIPPOCAMPUS_RADII), GREY)


def _label(region: str, side: int) -> int:
    return 2 * REGIONS.index(region) + (1 if side > 0 else 2)
