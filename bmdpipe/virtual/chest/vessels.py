"""The lungs' vessels: trees that branch from the hila, and the shadows of tubes and balls.

Radii follow Murray's law: the cubes of the branches' radii add up to the cube of the stem's.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.geometry.pose import apply
from bmdpipe.virtual.chest.thorax import lung_distance, mediastinum
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.chest.view import MM_PER_CM, View
from bmdpipe.virtual.demographics import stream

MOST_TUBES = 14000
STEMS = (
    # x y z of the hilum, x y z that the stem grows towards, radius; the right lung
    ((-30, 4, -16), (-52, 10, 70), 4.4),
    ((-32, 4, -18), (-88, 0, 48), 3.6),
    ((-34, 6, -22), (-66, 40, 20), 3.2),
    ((-34, 4, -24), (-92, -50, -40), 3.6),
    ((-36, 8, -28), (-78, 12, -130), 5.0),
    ((-36, 10, -30), (-56, 40, -150), 4.4),
    ((-36, 8, -26), (-102, 28, -70), 3.6),
    ((-20, -4, -40), (-84, -10, -66), 3.8),
    ((-20, -4, -42), (-66, 34, -104), 3.6),
    ((-20, -10, -12), (-64, -40, 44), 3.4),
)


def grow_vessels(config: ChestConfig, number: int, build: Build) -> NDArray[np.float64]:
    """Tubes `[n, 8]` in the subject's frame: start, end, first and last radius, mm."""
    rng = stream(config.seed, number, "vessels")
    stems = []
    for side in (1.0, -1.0):
        for start, goal, radius in STEMS:
            a = np.array(start, float) * [side, 1, 1] + [0.0, 0.0, 5.0 if side < 0 else 0.0]
            b = np.array(goal, float) * [side, 1, 1] + rng.normal(0, 9, 3)
            if side < 0:
                # The heart takes the room of the lower left stems.
                b[0] += 8.0
            heading = (b - a) / np.linalg.norm(b - a)
            stems.append([*a, *heading, 1.2 * radius * build.vessels * rng.uniform(0.85, 1.15)])
    draws = rng.random((MOST_TUBES, 8))
    middle, heart = mediastinum(build)
    form = np.array([build.inspiration_mm, build.dome_step_mm])
    tubes = np.zeros((MOST_TUBES, 8))
    count = _grow(np.array(stems), draws, middle, heart, form, tubes)
    tubes = tubes[:count]
    stretch = np.array(build.stretch)
    tubes[:, 0:3] *= stretch
    tubes[:, 3:6] *= stretch
    tubes[:, 6:8] *= stretch.mean()
    return tubes


@numba.njit(cache=True)
def _grow(stems, draws, middle, heart, form, tubes):  # pragma: no cover - compiled
    """Depth first; a tip that would leave the lung is turned back or ends."""
    room = len(tubes)
    stack = np.zeros((4000, 8))
    count = 0
    for s in range(len(stems)):
        stack[0, :7] = stems[s]
        stack[0, 7] = 0.0
        depth = 1
        while depth > 0 and count < room:
            depth -= 1
            node = stack[depth].copy()
            radius = node[6]
            u = draws[count]
            length = min(max(radius * (4.5 + 5.0 * u[0]), 3.5), 17.0)
            heading = node[3:6] + 0.26 * (2.0 * u[1:4] - 1.0)
            heading /= np.sqrt((heading**2).sum()) + 1e-12
            end = node[:3] + length * heading
            margin = -1.0 - 0.6 * radius
            there = lung_distance(end[0], end[1], end[2], middle, heart, form[0], form[1])
            young = node[7] < 3.0
            if there > margin and not young:
                # Along the surface instead of through it.
                h = 2.0
                g = np.empty(3)
                for axis in range(3):
                    p = end.copy()
                    p[axis] += h
                    far = lung_distance(p[0], p[1], p[2], middle, heart, form[0], form[1])
                    g[axis] = (far - there) / h
                g /= np.sqrt((g**2).sum()) + 1e-12
                heading = heading - 1.15 * max((heading * g).sum(), 0.0) * g
                heading /= np.sqrt((heading**2).sum()) + 1e-12
                end = node[:3] + 0.7 * length * heading
                there = lung_distance(end[0], end[1], end[2], middle, heart, form[0], form[1])
                if there > -0.8:
                    continue
            last = radius * 0.93
            half = 0.5 * (node[:3] + end)
            if lung_distance(half[0], half[1], half[2], middle, heart, form[0], form[1]) < 0.0:
                tubes[count, :3], tubes[count, 3:6] = node[:3], end
                tubes[count, 6], tubes[count, 7] = radius, last
                count += 1
            elif young:
                tubes[count, :3], tubes[count, 3:6] = node[:3], end
                count += 1
            if depth > 3990:
                continue
            share = 0.55 + 0.38 * u[4]
            if u[5] < 0.25 and not young:
                share = 0.97
            main = last * share ** (1.0 / 3.0)
            side = last * (1.0 - share) ** (1.0 / 3.0)
            away = 2.0 * u[5:8] - 1.0
            away -= (away * heading).sum() * heading
            away /= np.sqrt((away**2).sum()) + 1e-12
            if side > 0.28:
                stack[depth, :3] = end
                stack[depth, 3:6] = heading + (0.55 + 0.7 * u[6]) * away
                stack[depth, 3:6] /= np.sqrt((stack[depth, 3:6] ** 2).sum())
                stack[depth, 6], stack[depth, 7] = side, node[7] + 1.0
                depth += 1
            if main > 0.28:
                stack[depth, :3] = end
                stack[depth, 3:6] = heading - 0.22 * away
                stack[depth, 3:6] /= np.sqrt((stack[depth, 3:6] ** 2).sum())
                stack[depth, 6], stack[depth, 7] = main, node[7] + 1.0
                depth += 1
    return count


def tube_shadow(view: View, tubes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Length of the rays inside tubes, cm, `[y, x]` in display orientation."""
    image = _blank(view)
    solid = tubes[tubes[:, 6] > 0.0]
    if len(solid):
        pose = view.camera_from_chest
        ends = np.concatenate([apply(pose, solid[:, 0:3]), apply(pose, solid[:, 3:6])], axis=1)
        _shade_tubes(ends, solid[:, 6:8], _camera(view), image)
    return image[:, ::-1] / np.float32(MM_PER_CM)


def ball_shadow(view: View, balls: NDArray[np.float64]) -> NDArray[np.float32]:
    """The same of balls `[n, 4]`: centre and radius in the subject's frame, mm."""
    image = _blank(view)
    if len(balls):
        _shade_balls(
            apply(view.camera_from_chest, balls[:, :3]), balls[:, 3].copy(), _camera(view), image
        )
    return image[:, ::-1] / np.float32(MM_PER_CM)


def _blank(view: View) -> NDArray[np.float32]:
    return np.zeros(view.camera.size_px[::-1], np.float32)


def _camera(view: View) -> NDArray[np.float64]:
    camera = view.camera
    return np.array([camera.sdd_mm, camera.spacing_mm[0], *camera.principal_point_px])


@numba.njit(fastmath=True, cache=True)
def _shade_tubes(ends, radii, camera, image):  # pragma: no cover - compiled
    """Chords of cylinders; a tube thinner than a pixel is widened and thinned out to its mass."""
    height, width = image.shape
    for n in range(len(ends)):
        e = ends[n]
        fa = camera[0] / e[2] / camera[1]
        fb = camera[0] / e[5] / camera[1]
        ua, va = e[0] * fa + camera[2], e[1] * fa + camera[3]
        ub, vb = e[3] * fb + camera[2], e[4] * fb + camera[3]
        long = np.sqrt((ub - ua) ** 2 + (vb - va) ** 2)
        dx, dy, dz = e[3] - e[0], e[4] - e[1], e[5] - e[2]
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        magnify = 0.5 * (fa + fb)
        # Seen end on, a vessel is a dot of its own length at most, and bends soften it.
        sine = min(max(long / (magnify * length), 0.45), 1.0)
        most = max(radii[n, 0] * fa, radii[n, 1] * fb, 0.75)
        x0, x1 = int(min(ua, ub) - most - 1), int(max(ua, ub) + most + 2)
        y0, y1 = int(min(va, vb) - most - 1), int(max(va, vb) + most + 2)
        if long < 1e-3:
            continue
        ex, ey = (ub - ua) / long, (vb - va) / long
        for row in range(max(y0, 0), min(y1, height)):
            for column in range(max(x0, 0), min(x1, width)):
                px, py = column - ua, row - va
                along = px * ex + py * ey
                # A soft end of one pixel keeps neighbouring tubes seamless.
                cover = min(along, long - along) + 0.5
                if cover <= 0.0:
                    continue
                t = min(max(along / long, 0.0), 1.0)
                r = radii[n, 0] + t * (radii[n, 1] - radii[n, 0])
                wide = r * (fa + t * (fb - fa))
                drawn = max(wide, 0.75)
                d = px * ey - py * ex
                if abs(d) >= drawn:
                    continue
                chord = 2.0 * r * np.sqrt(1.0 - (d / drawn) ** 2) * (wide / drawn)
                image[row, column] += np.float32(chord / sine * min(cover, 1.0))


@numba.njit(fastmath=True, cache=True)
def _shade_balls(centres, radii, camera, image):  # pragma: no cover - compiled
    height, width = image.shape
    for n in range(len(centres)):
        f = camera[0] / centres[n, 2] / camera[1]
        u, v = centres[n, 0] * f + camera[2], centres[n, 1] * f + camera[3]
        wide = radii[n] * f
        drawn = max(wide, 0.9)
        thin = (wide / drawn) ** 2
        for row in range(max(int(v - drawn), 0), min(int(v + drawn) + 2, height)):
            for column in range(max(int(u - drawn), 0), min(int(u + drawn) + 2, width)):
                q = ((column - u) ** 2 + (row - v) ** 2) / (drawn * drawn)
                if q < 1.0:
                    image[row, column] += np.float32(2.0 * radii[n] * thin * np.sqrt(1.0 - q))
