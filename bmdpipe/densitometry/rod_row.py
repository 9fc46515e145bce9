"""A row of equally spaced discs of one size in an axial image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.densitometry.discs import disc_response

VISIBLE = 0.45
"""A disc counts as seen if this much of its circle is an edge (1: all of it)."""
STRONG = 0.95
ANGLES_DEG = (-8.0, -4.0, 0.0, 4.0, 8.0)
RADIUS_STEP_MM = 1.0
SPACING_STEP_MM = 1.5
ROD_HU = (-150.0, 600.0)
"""What a rod or its base can measure; air, foam and metal are outside."""
MIN_CONTRAST_HU = 4.0


@dataclass(frozen=True)
class RodRow:
    """`centres_mm` `[n, 2]` are x, y from the image's first pixel; `responses` `[n]` are signed.

    `seen` `[n]` says which discs have an edge of their own and differ from what surrounds them.
    """

    centres_mm: NDArray[np.float64]
    radius_mm: float
    responses: NDArray[np.float64]
    seen: NDArray[np.bool_]

    @property
    def score(self) -> float:
        """Mean response of the discs that are seen, those unseen counting nothing."""
        return float((np.minimum(np.abs(self.responses), STRONG) * self.seen).mean())


def find_row(
    image: NDArray, spacing_mm: tuple[float, float], count: int, config: CalibrationConfig
) -> RodRow:
    """The best row of `count` discs, within 8 degrees of the image's x axis, however poor it is."""
    low, high = config.rod_diameter_min_mm / 2, config.rod_diameter_max_mm / 2
    radii = np.linspace(low, high, max(int(np.ceil((high - low) / RADIUS_STEP_MM)), 1) + 1)
    response = disc_response(image, spacing_mm, radii.tolist())
    spacings = np.arange(
        config.rod_spacing_min_mm, config.rod_spacing_max_mm + 1e-6, SPACING_STEP_MM
    )
    best = (-1.0, 0, np.zeros((count, 2)))
    for n, radius in enumerate(radii):
        near = ndimage.maximum_filter(np.minimum(np.abs(response[n]), STRONG), 3)
        for spacing in spacings[spacings >= 2 * radius]:
            for angle in np.radians(ANGLES_DEG):
                step = spacing * np.array([np.cos(angle), np.sin(angle)])
                score, centre = _best_centre(near, step / spacing_mm, count)
                if score > best[0]:
                    offsets = (np.arange(count) - (count - 1) / 2)[:, None] * step
                    best = (score, n, centre * np.asarray(spacing_mm) + offsets)
    row, radius, responses = _refined(response, radii, best[1], best[2], spacing_mm)
    seen = np.abs(responses) >= VISIBLE
    seen &= [_stands_out(image, spacing_mm, centre, radius) for centre in row]
    return RodRow(row, radius, responses, seen)


def _stands_out(
    image: NDArray, spacing_mm: tuple[float, float], centre_mm: NDArray, radius_mm: float
) -> bool:
    """Whether the disc is of a rod's material and differs from the material around it."""
    height, width = image.shape
    x = np.arange(width) * spacing_mm[0] - centre_mm[0]
    y = np.arange(height)[:, None] * spacing_mm[1] - centre_mm[1]
    distance2 = x**2 + y**2
    inside = image[distance2 <= (0.6 * radius_mm) ** 2]
    ring = (distance2 >= (radius_mm + 1.0) ** 2) & (distance2 <= (radius_mm + 3.5) ** 2)
    around = image[ring]
    around = around[(around > ROD_HU[0]) & (around < ROD_HU[1])]
    if inside.size < 5 or around.size < 5 or not ROD_HU[0] < np.median(inside) < ROD_HU[1]:
        return False
    error = np.hypot(inside.std() / np.sqrt(inside.size), around.std() / np.sqrt(around.size))
    contrast = abs(float(np.median(inside) - np.median(around)))
    return contrast >= max(MIN_CONTRAST_HU, float(3 * error))


def _best_centre(near: NDArray, step_px: NDArray, count: int) -> tuple[float, NDArray[np.float64]]:
    """Highest sum over the row's discs and the pixel (x, y) of the row's middle."""
    offsets = np.rint((np.arange(count) - (count - 1) / 2)[:, None] * step_px).astype(int)
    height, width = near.shape
    left, top = np.maximum(-offsets.min(axis=0), 0)
    right, bottom = np.maximum(offsets.max(axis=0), 0)
    rows, columns = height - top - bottom, width - left - right
    if rows <= 0 or columns <= 0:
        return -1.0, np.zeros(2)
    total = np.zeros((rows, columns), np.float32)
    for dx, dy in offsets:
        total += near[top + dy : top + dy + rows, left + dx : left + dx + columns]
    y, x = np.unravel_index(int(np.argmax(total)), total.shape)
    return float(total[y, x]), np.array([x + left, y + top], dtype=float)


def _refined(
    response: NDArray, radii: NDArray, n: int, centres_mm: NDArray, spacing_mm: tuple[float, float]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Centres, radius and responses of the row moved to the discs' peaks, with the best radius."""
    spacing = np.asarray(spacing_mm)
    peaks, strengths = _peaks(response[n], centres_mm / spacing)
    fitted = even_row(peaks * spacing, np.abs(strengths))
    at = (fitted / spacing).T[::-1]
    by_radius = np.array(
        [
            np.minimum(np.abs(ndimage.map_coordinates(layer, at, order=1)), STRONG).sum()
            for layer in response
        ]
    )
    k = int(np.argmax(by_radius))
    radius = float(radii[k])
    if 0 < k < len(radii) - 1:
        before, here, after = by_radius[k - 1 : k + 2]
        radius += 0.5 * (before - after) / (before - 2 * here + after) * (radii[1] - radii[0])
    peaks, _ = _peaks(response[k], fitted / spacing)
    responses = ndimage.map_coordinates(response[k], at, order=1)
    fitted = even_row(peaks * spacing, np.abs(responses))
    return fitted, radius, responses.astype(float)


def _peaks(layer: NDArray, at_px: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The strongest pixel within two of each point, to a fraction of a pixel, and its response."""
    height, width = layer.shape
    found, strengths = [], []
    for x, y in np.rint(at_px).astype(int):
        x, y = int(np.clip(x, 3, width - 4)), int(np.clip(y, 3, height - 4))
        window = np.abs(layer[y - 2 : y + 3, x - 2 : x + 3])
        dy, dx = np.unravel_index(int(np.argmax(window)), window.shape)
        y, x = y + int(dy) - 2, x + int(dx) - 2
        strengths.append(float(layer[y, x]))
        patch = np.abs(layer[y - 1 : y + 2, x - 1 : x + 2]).astype(float)
        found.append([x + _vertex(patch[1]), y + _vertex(patch[:, 1])])
    return np.array(found), np.array(strengths)


def _vertex(three: NDArray) -> float:
    """Where a parabola through values at -1, 0, 1 peaks, within half a pixel."""
    bend = three[0] - 2 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def even_row(points_mm: NDArray, weights: NDArray) -> NDArray[np.float64]:
    """Equally spaced points on a straight line, least squares to `points_mm` `[n, 2]`."""
    position = np.arange(len(points_mm)) - (len(points_mm) - 1) / 2
    design = np.stack([np.ones_like(position), position], axis=1)
    root = np.sqrt(np.maximum(weights, 1e-3))[:, None]
    line, *_ = np.linalg.lstsq(design * root, points_mm * root, rcond=None)
    return np.asarray(design @ line)
