"""Tuberculosis-like findings in the lungs, each placed in space, so that bones may hide it.

Kinds and where they are found after the annotations of the Shenzhen set (Yang et al. 2022, Data
7(7):95): infiltrates, consolidation, cavities, nodules, miliary seeding, effusion, fibrosis; mostly
in the upper and posterior parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.chest.thorax import lung_distance, mediastinum
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.demographics import stream

CLOUD, CAVITY, FLUID, STREAK = 0.0, 1.0, 2.0, 3.0
KINDS = ("infiltrate", "cavity", "nodules", "miliary", "effusion", "fibrosis")
WEIGHTS = np.array([0.38, 0.17, 0.15, 0.09, 0.10, 0.11])


@dataclass(frozen=True)
class Findings:
    """What is wrong with the lungs.

    Rows of `shapes`: kind, centre, radii, density, grain, thickness of a wall or softness of a
    border, a streak's far end. `balls` are nodules x y z r with one share of density; `granulomas`
    x y z r are old and calcified and say nothing of a case's class.
    """

    kinds: tuple[str, ...]
    shapes: NDArray[np.float64]
    balls: NDArray[np.float64]
    ball_share: float
    granulomas: NDArray[np.float64]


def draw_findings(config: ChestConfig, number: int, build: Build, diseased: bool) -> Findings:
    """One to three kinds in a diseased case, none in the others; granulomas in both."""
    rng = stream(config.seed, number, "findings")
    old = stream(config.seed, number, "granulomas")
    place = _Place(build)
    granulomas = np.zeros((0, 4))
    if old.random() < config.granuloma_fraction:
        points = place.points(old, int(old.integers(1, 4)), apical=0.0, margin=5.0)
        granulomas = np.column_stack([points, old.uniform(1.2, 3.2, len(points))])
    if not diseased:
        return Findings((), np.zeros((0, COLUMNS)), np.zeros((0, 4)), 0.0, granulomas)
    how_many = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    names = rng.choice(KINDS, size=how_many, replace=False, p=WEIGHTS)
    shapes: list[NDArray] = []
    balls: list[NDArray] = []
    strength = config.conspicuity
    for name in names:
        more, round_ones = _DRAW[str(name)](rng, place, strength)
        shapes += more
        balls.append(round_ones)
    return Findings(
        kinds=tuple(sorted(str(n) for n in names)),
        shapes=np.array(shapes).reshape(-1, COLUMNS),
        balls=np.concatenate(balls),
        ball_share=float(np.clip(0.7 * strength * rng.uniform(0.7, 1.3), 0.05, 1.0)),
        granulomas=granulomas,
    )


COLUMNS = 13
NO_BALLS = np.zeros((0, 4))


class _Place:
    """Points of the subject's lungs."""

    def __init__(self, build: Build) -> None:
        self.stretch = np.array(build.stretch)
        self.middle, self.heart = mediastinum(build)
        self.form = (build.inspiration_mm, build.dome_step_mm)

    def depth(self, point: NDArray) -> float:
        """Millimetres below the lungs' surface, in the mean chest's frame."""
        x, y, z = point / self.stretch
        return -float(lung_distance(x, y, z, self.middle, self.heart, *self.form))

    def points(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        apical: float,
        margin: float,
        side: float = 0.0,
    ) -> NDArray[np.float64]:
        """Places at least `margin` deep; `apical` is the share drawn from the upper third only."""
        found: list[NDArray] = []
        for _ in range(400 * count):
            x = rng.uniform(15, 125) * (side or rng.choice([-1.0, 1.0]))
            upper = rng.random() < apical
            z = rng.uniform(12, 98) if upper else rng.uniform(-150, 98)
            y = rng.uniform(-15, 72) if upper else rng.uniform(-95, 72)
            point = np.array([x, y, z]) * self.stretch
            if self.depth(point) >= margin:
                found.append(point)
                if len(found) == count:
                    break
        return np.array(found).reshape(-1, 3)


def _row(kind, centre, radii, density, grain, border, far=(0.0, 0.0, 0.0)):
    return np.array([kind, *centre, *radii, density, grain, border, *far])


def _infiltrate(rng, place, strength):
    """A patchy cloud, from a haze to consolidation, with smaller ones about it."""
    rows = []
    for point in place.points(rng, int(rng.integers(1, 4)), apical=0.75, margin=7.0):
        radius = rng.uniform(11, 30)
        density = strength * rng.uniform(0.12, 0.55)
        for k in range(int(rng.integers(2, 6))):
            spot = point + (rng.normal(0, 0.55, 3) * radius if k else 0.0)
            radii = radius * rng.uniform(0.45, 1.0, 3) * (0.6 if k else 1.0)
            grain = rng.uniform(4.0, 9.0)
            rows.append(_row(CLOUD, spot, radii, density * rng.uniform(0.6, 1.2), grain, 0.7))
    return rows, NO_BALLS


def _cavity(rng, place, strength):
    """A ring with air in it, in a cloud, mostly apical."""
    rows = []
    for point in place.points(rng, int(rng.integers(1, 3)), apical=0.85, margin=9.0):
        radius = rng.uniform(8, 21)
        radii = radius * rng.uniform(0.8, 1.15, 3)
        rows.append(_row(CLOUD, point, 1.7 * radii, strength * rng.uniform(0.08, 0.26), 6.0, 0.8))
        wall = rng.uniform(2.0, 5.5) / radius
        rows.append(_row(CAVITY, point, radii, strength * rng.uniform(0.45, 0.95), 9.0, wall))
    return rows, NO_BALLS


def _nodules(rng, place, strength):
    """Some to many small round ones, clustered or alone."""
    centres = place.points(rng, int(rng.integers(1, 4)), apical=0.6, margin=6.0)
    balls = []
    for centre in centres:
        for _ in range(int(rng.integers(1, 9))):
            point = centre + rng.normal(0, 11, 3)
            radius = rng.uniform(2.0, 5.5) * strength**0.25
            if place.depth(point) > radius:
                balls.append([*point, radius])
    return [], np.array(balls).reshape(-1, 4)


def _miliary(rng, place, strength):
    """Hundreds of seeds of one to two millimetres all over both lungs."""
    count = int(rng.uniform(500, 1300) * strength)
    cloud = place.points(rng, count, apical=0.2, margin=2.5)
    return [], np.column_stack([cloud, rng.uniform(0.7, 1.7, len(cloud))])


def _effusion(rng, place, strength):
    """Fluid at the bottom of one pleural cavity, risen along its wall."""
    side = float(rng.choice([-1.0, 1.0]))
    level = (-165 + 75 * rng.beta(1.2, 1.8) * min(strength, 1.3)) * place.stretch[2]
    return [
        _row(FLUID, (side, 0.0, level), (1.0, 1.0, 1.0), 1.0, 12.0, rng.uniform(14, 36))
    ], NO_BALLS


def _fibrosis(rng, place, strength):
    """Streaks from the apex to the hilum, with a thickened apical cap."""
    side = float(rng.choice([-1.0, 1.0]))
    rows = []
    for point in place.points(rng, int(rng.integers(4, 10)), apical=1.0, margin=3.0, side=side):
        hilum = np.array([side * 40.0, 6.0, -8.0]) * place.stretch
        far = point + (hilum - point) * rng.uniform(0.35, 0.8) + rng.normal(0, 7, 3)
        size = rng.uniform(1.3, 2.6)
        rows.append(
            _row(STREAK, point, (size,) * 3, strength * rng.uniform(0.4, 0.85), 5.0, 0.5, far)
        )
    for point in place.points(rng, 1, apical=1.0, margin=6.0, side=side):
        rows.append(_row(CLOUD, point, (20, 18, 13), strength * rng.uniform(0.2, 0.45), 5.0, 0.7))
    return rows, NO_BALLS


_DRAW = {
    "infiltrate": _infiltrate,
    "cavity": _cavity,
    "nodules": _nodules,
    "miliary": _miliary,
    "effusion": _effusion,
    "fibrosis": _fibrosis,
}
