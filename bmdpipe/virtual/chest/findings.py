"""Tuberculosis-like findings in the lungs, each placed in space, so that bones may hide it.

Kinds after the annotations of the Shenzhen set (Yang et al. 2022, Data 7(7):95). How often they are
seen, and the upper and posterior parts' share, after post-primary disease in adults (Woodring 1986,
AJR 146:497); how much of the lungs they take after 1354 radiographs of smear-positive patients
(Murthy 2018, BMC Med 16:73: median 18.1 %, quartiles 11.3 and 28.8 %). The public sets are of
routine and screening and hold milder disease as well.
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
PREVALENCE = {
    "infiltrate": 0.90,  # own choice: with fibrosis the parenchymal densities, which all have
    "cavity": 0.45,
    "nodules": 0.21,  # bronchogenic spread
    "miliary": 0.03,  # own choice
    "effusion": 0.18,
    "fibrosis": 0.29,  # marked
}
"""Share of diseased cases with each kind; Woodring 1986, post-primary, unless said."""
PARENCHYMAL = {"infiltrate", "miliary", "fibrosis"}
APICAL = 0.91
"""Share of foci in the upper lobes' apical and posterior segments (Woodring 1986)."""
MEDIAN_SHARE, SPREAD_LOG = 0.181, 0.69
"""Of the lungs' projected area (Murthy 2018); the spread fits the quartiles to a log-normal."""
BOTH_SIDES = 0.4
"""Share of infiltrates with a focus in either lung (own choice)."""
LUNG_MM2 = 60_000.0
"""Projected area of the mean chest's lungs, as the virtual cohort has it."""


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


@dataclass(frozen=True)
class Severity:
    """The factor on density, and the projected area that infiltrates are to take, mm2."""

    strength: float
    area_mm2: float


def draw_findings(config: ChestConfig, number: int, build: Build, diseased: bool) -> Findings:
    """One or more kinds in a diseased case, none in the others; granulomas in both."""
    rng = stream(config.seed, number, "findings")
    old = stream(config.seed, number, "granulomas")
    place = _Place(build)
    granulomas = np.zeros((0, 4))
    if old.random() < config.granuloma_fraction:
        points = place.points(old, int(old.integers(1, 4)), apical=0.0, margin=5.0)
        granulomas = np.column_stack([points, old.uniform(1.2, 3.2, len(points))])
    if not diseased:
        return Findings((), np.zeros((0, COLUMNS)), np.zeros((0, 4)), 0.0, granulomas)
    names = [name for name, share in PREVALENCE.items() if rng.random() < share]
    if PARENCHYMAL.isdisjoint(names):
        names.append("infiltrate")
    share = MEDIAN_SHARE * np.exp(SPREAD_LOG * np.clip(rng.standard_normal(), -2.2, 2.2))
    area = LUNG_MM2 * build.stretch[0] * build.stretch[2]
    severity = Severity(config.conspicuity, float(area * min(share, 0.8)))
    shapes: list[NDArray] = []
    balls: list[NDArray] = []
    for name in names:
        more, round_ones = _DRAW[name](rng, place, severity)
        shapes += more
        balls.append(round_ones)
    return Findings(
        kinds=tuple(sorted(names)),
        shapes=np.array(shapes).reshape(-1, COLUMNS),
        balls=np.concatenate(balls),
        ball_share=float(np.clip(0.7 * severity.strength * rng.uniform(0.7, 1.3), 0.05, 1.0)),
        granulomas=granulomas,
    )


COLUMNS = 13
NO_BALLS = np.zeros((0, 4))
MOST_CLOUDS = 120
SCATTERED, OWN_PART = 0.3, 0.6
"""Scatter of clouds about their focus in parts of the edge of the area they take, and the part of a
cloud's shadow that no other covers; chosen so that the cohort meets the published extent."""


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


def _infiltrate(rng, place, severity):
    """Patchy clouds about one focus, or one in either lung, from a haze to consolidation, until
    they take their area."""
    side = float(rng.choice([-1.0, 1.0]))
    sides = (side, -side) if rng.random() < BOTH_SIDES else (side,)
    foci = [place.points(rng, 1, apical=APICAL, margin=9.0, side=s)[0] for s in sides]
    density = severity.strength * rng.uniform(0.18, 0.65)
    apart = SCATTERED * np.sqrt(severity.area_mm2 / len(foci))
    rows, left = [], severity.area_mm2
    for _ in range(MOST_CLOUDS):
        focus = foci[int(rng.integers(len(foci)))]
        point = focus + apart * rng.standard_normal(3)
        if point[0] * focus[0] <= 0.0 or place.depth(point) < 4.0:
            continue
        radii = rng.uniform(10, 28) * rng.uniform(0.7, 1.3, 3)
        grain = rng.uniform(4.0, 9.0)
        rows.append(_row(CLOUD, point, radii, density * rng.uniform(0.5, 1.3), grain, 0.7))
        left -= OWN_PART * np.pi * radii[0] * radii[2]
        if left <= 0.0:
            break
    return rows, NO_BALLS


def _cavity(rng, place, severity):
    """A ring with air in it, in a cloud, mostly apical."""
    rows = []
    for point in place.points(rng, int(rng.integers(1, 3)), apical=APICAL, margin=9.0):
        radius = rng.uniform(8, 21)
        radii = radius * rng.uniform(0.8, 1.15, 3)
        rows.append(
            _row(CLOUD, point, 1.7 * radii, severity.strength * rng.uniform(0.08, 0.26), 6.0, 0.8)
        )
        wall = rng.uniform(2.0, 5.5) / radius
        rows.append(
            _row(CAVITY, point, radii, severity.strength * rng.uniform(0.45, 0.95), 9.0, wall)
        )
    return rows, NO_BALLS


def _nodules(rng, place, severity):
    """Some to many small round ones, clustered or alone."""
    centres = place.points(rng, int(rng.integers(1, 4)), apical=0.6, margin=6.0)
    balls = []
    for centre in centres:
        for _ in range(int(rng.integers(1, 9))):
            point = centre + rng.normal(0, 11, 3)
            radius = rng.uniform(2.0, 5.5) * severity.strength**0.25
            if place.depth(point) > radius:
                balls.append([*point, radius])
    return [], np.array(balls).reshape(-1, 4)


def _miliary(rng, place, severity):
    """Hundreds of seeds of one to two millimetres all over both lungs."""
    count = int(rng.uniform(500, 1300) * severity.strength)
    cloud = place.points(rng, count, apical=0.2, margin=2.5)
    return [], np.column_stack([cloud, rng.uniform(0.7, 1.7, len(cloud))])


def _effusion(rng, place, severity):
    """Fluid at the bottom of one pleural cavity, risen along its wall."""
    side = float(rng.choice([-1.0, 1.0]))
    level = (-165 + 75 * rng.beta(1.2, 1.8) * min(severity.strength, 1.3)) * place.stretch[2]
    return [
        _row(FLUID, (side, 0.0, level), (1.0, 1.0, 1.0), 1.0, 12.0, rng.uniform(14, 36))
    ], NO_BALLS


def _fibrosis(rng, place, severity):
    """Streaks from the apex to the hilum, with a thickened apical cap."""
    side = float(rng.choice([-1.0, 1.0]))
    rows = []
    for point in place.points(rng, int(rng.integers(4, 10)), apical=1.0, margin=3.0, side=side):
        hilum = np.array([side * 40.0, 6.0, -8.0]) * place.stretch
        far = point + (hilum - point) * rng.uniform(0.35, 0.8) + rng.normal(0, 7, 3)
        size = rng.uniform(1.3, 2.6)
        rows.append(
            _row(
                STREAK,
                point,
                (size,) * 3,
                severity.strength * rng.uniform(0.4, 0.85),
                5.0,
                0.5,
                far,
            )
        )
    for point in place.points(rng, 1, apical=1.0, margin=6.0, side=side):
        rows.append(
            _row(CLOUD, point, (20, 18, 13), severity.strength * rng.uniform(0.2, 0.45), 5.0, 0.7)
        )
    return rows, NO_BALLS


_DRAW = {
    "infiltrate": _infiltrate,
    "cavity": _cavity,
    "nodules": _nodules,
    "miliary": _miliary,
    "effusion": _effusion,
    "fibrosis": _fibrosis,
}
