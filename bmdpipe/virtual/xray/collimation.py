"""The collimated field: a rectangle of light on the patient, now and then set slightly askew."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import apply
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.positioning import Exposure

LEAKAGE = 1.5e-3
"""Of the beam through the shutters (unverified)."""
PENUMBRA_MM = 3.5
"""Width of the edge: a focus of 1.2 mm, shutters a quarter of the way (unverified)."""
AROUND_MM = 18.0
"""Least distance of an edge from what the image is taken for, at the detector."""
ABOVE_HEAD_MM = 62.0
"""Of the ilium above the femoral head that is always seen."""
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Field:
    """Edges left, top, right, bottom in pixels (a pixel's centre is whole), turned about the middle
    by `tilt_deg`; `shown` is False where the beam is wider than the detector."""

    edges: Rectangle
    tilt_deg: float
    shown: bool

    def cropped(self, left: int, top: int) -> Field:
        a, b, c, d = self.edges
        return Field((a - left, b - top, c - left, d - top), self.tilt_deg, self.shown)

    def transmission(self, camera: Camera) -> NDArray[np.float32]:
        """Share of the beam `[y, x]` that the shutters let pass."""
        width, height = camera.size_px
        result = np.empty((height, width), np.float32)
        tilt = np.deg2rad(self.tilt_deg)
        spacing = camera.spacing_mm[0]
        _shade(np.array(self.edges), np.cos(tilt), np.sin(tilt), PENUMBRA_MM / spacing, result)
        return result


def open_field(camera: Camera) -> Field:
    width, height = camera.size_px
    beyond = 2.0 * PENUMBRA_MM / camera.spacing_mm[0]
    return Field((-beyond, -beyond, width + beyond, height + beyond), 0.0, False)


def draw_field(
    anatomy: Anatomy, exposure: Exposure, inset_mm: float, tilt_deg: float, rng: np.random.Generator
) -> Field:
    """Each edge is drawn in from the detector's by up to `inset_mm`, never over the proximal
    femora; now and then it lies beyond the detector."""
    camera = exposure.camera
    width, height = camera.size_px
    spacing = camera.spacing_mm[0]
    inset = rng.uniform(-0.25, 1.0, 4) * inset_mm / spacing
    need = needed(anatomy, exposure)
    # A turned edge comes nearer at one end.
    turned = np.tan(np.deg2rad(abs(tilt_deg))) * 0.5 * np.array([height, width, height, width])
    slack = AROUND_MM / spacing + turned
    left, top = np.minimum(inset[:2] - 0.5, need[:2] - slack[:2])
    right = max(width - 0.5 - inset[2], need[2] + slack[2])
    bottom = max(height - 0.5 - inset[3], need[3] + slack[3])
    return Field((float(left), float(top), float(right), float(bottom)), tilt_deg, True)


def needed(anatomy: Anatomy, exposure: Exposure) -> NDArray[np.float64]:
    """Box (left, top, right, bottom) in pixels of both proximal femora and the joints' roofs."""
    seen = []
    for side in SIDES:
        body = femur_body(side)
        points = list(anatomy.femora[side].landmarks.values())
        head = anatomy.femora[side].landmarks["head_centre"]
        volume = anatomy.bodies[body].density
        first, count = volume.origin_mm[0], volume.array.shape[2]
        outer = first if side == "R" else first + (count - 1) * volume.spacing_mm[0]
        points += [np.array([outer, head[1], head[2]]), head + np.array([0, 0, ABOVE_HEAD_MM])]
        seen.append(
            exposure.camera.pixels_of(apply(exposure.camera_from_ct[body], np.array(points)))
        )
    pixels = np.concatenate(seen)
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


@numba.njit(parallel=True, cache=True)
def _shade(edges, cosine, sine, penumbra, result):  # pragma: no cover - compiled
    height, width = result.shape
    cx, cy = 0.5 * (edges[0] + edges[2]), 0.5 * (edges[1] + edges[3])
    half_x, half_y = 0.5 * (edges[2] - edges[0]), 0.5 * (edges[3] - edges[1])
    for y in numba.prange(height):
        for x in range(width):
            u = abs(cosine * (x - cx) + sine * (y - cy))
            v = abs(cosine * (y - cy) - sine * (x - cx))
            inside = min(max(0.5 + (half_x - u) / penumbra, 0.0), 1.0)
            inside *= min(max(0.5 + (half_y - v) / penumbra, 0.0), 1.0)
            result[y, x] = LEAKAGE + (1.0 - LEAKAGE) * inside
