"""One body from several starts: the pyramid's searches, then its own refinement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import BodySearch, Level
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, apply
from bmdpipe.registration.arrangement import Arrangement
from bmdpipe.registration.bones import Bone
from bmdpipe.registration.evolution import search
from bmdpipe.registration.film import Film
from bmdpipe.registration.motion import DEPTH, PARAMETERS, Motion, limits
from bmdpipe.registration.prior import Prior
from bmdpipe.registration.refinement import refine
from bmdpipe.registration.scan import visible_share
from bmdpipe.registration.similarity import NothingToCompareError

AGREEING_MM = 6.0
"""Searches of a coarse level that end this close to the best one, in the image plane, agree."""
NEAR_LIMIT = 0.98
SHIFTS = np.arange(PARAMETERS) >= 3
UNCONSTRAINED = Prior((0.0, 0.0, 0.0), 1.0)


@dataclass(frozen=True)
class Searched:
    """A body's pose before all bodies are refined together.

    `searched` is the pose before the body's own refinement; `agreement` the share of the other
    starts that ended near the best; `inside` whether it kept off its bounds (but the depth's);
    `history` the best similarity after each generation, by level.
    """

    pose: Matrix
    searched: Matrix
    agreement: float
    inside: bool
    evaluations: int
    history: tuple[tuple[float, ...], ...]


def search_body(
    film: Film,
    bone: Bone,
    start: Matrix,
    starts: NDArray[np.float64],
    plan: BodySearch,
    rng: np.random.Generator,
    behind: Sequence[tuple[Bone, Matrix]] = (),
) -> Searched:
    """From `starts` `[n, 6]`, parameters about `start`, each within the bounds about its own place.

    Raises NothingToCompareError.
    """
    config, limit = film.config, limits(plan.bounds)
    margin = plan.bounds.mm * film.camera.sdd_mm / config.sod_mm
    first = Motion(start, bone.centre_mm)
    places = first.poses(np.where(SHIFTS, starts, 0.0))
    trails = [
        _Trail(Motion(place, bone.centre_mm), np.where(SHIFTS, 0.0, own))
        for place, own in zip(places, starts, strict=True)
    ]
    agreement, evaluations = 1.0, 0
    for number, level in enumerate(plan.levels):
        trails = [
            _followed(film, bone, trail, level, limit, margin, rng, behind) for trail in trails
        ]
        best = max(trails, key=lambda trail: trail.score)
        if number == 0:
            agreement = _agreement(film.camera, bone, trails, best)
        evaluations += sum(trail.evaluations for trail in trails)
        trails, margin = [replace(best, evaluations=0)], config.margin_mm
    searched = best.pose
    at = Arrangement((searched,))
    for pixel_mm in config.refinement_pixel_mm[:-1]:
        view = film.view([bone], at, pixel_mm, margin, behind)
        refined = refine(view, at, UNCONSTRAINED, config.refinement_iterations)
        at, evaluations = refined.arrangement, evaluations + refined.evaluations
    inside = bool((np.abs(best.parameters) < NEAR_LIMIT * limit)[:DEPTH].all())
    return Searched(at.poses[0], searched, agreement, inside, evaluations, best.history)


@dataclass(frozen=True)
class _Trail:
    """One start's search so far; `score` compares it with the others'."""

    motion: Motion
    parameters: NDArray[np.float64]
    score: float = -np.inf
    evaluations: int = 0
    history: tuple[tuple[float, ...], ...] = ()

    @property
    def pose(self) -> Matrix:
        return self.motion.poses(self.parameters)[0]


def _followed(
    film: Film,
    bone: Bone,
    trail: _Trail,
    level: Level,
    limit: NDArray[np.float64],
    margin_mm: float,
    rng: np.random.Generator,
    behind: Sequence[tuple[Bone, Matrix]],
) -> _Trail:
    """The trail after one more level; its score is the similarity close around the bone."""
    view = film.view([bone], Arrangement((trail.pose,)), level.pixel_mm, margin_mm, behind)

    def similarity(parameters: NDArray) -> NDArray[np.float64]:
        return view.searched_at(trail.motion.poses(parameters))

    start = np.clip(trail.parameters, -limit, limit)
    found = search(similarity, start, limit, level, rng)
    pose = trail.motion.poses(found.parameters)
    try:
        close = film.view(
            [bone], Arrangement((pose[0],)), level.pixel_mm, film.config.margin_mm, behind
        )
        score = float((close.searched_at(pose) * visible_share(film.camera, bone, pose))[0])
    except NothingToCompareError:
        score = -np.inf
    return _Trail(
        trail.motion, found.parameters, score, found.evaluations, (*trail.history, found.history)
    )


def _agreement(camera: Camera, bone: Bone, trails: Sequence[_Trail], best: _Trail) -> float:
    """The share of the other trails whose surface lies near the best one's."""
    apart = [
        reprojection_mm(camera, best.pose, camera, trail.pose, bone.surface_mm)
        for trail in trails
        if trail is not best
    ]
    return float(np.mean(np.array(apart) < AGREEING_MM)) if apart else 1.0


def reprojection_mm(
    camera: Camera, pose: Matrix, other_camera: Camera, other: Matrix, points_mm: NDArray
) -> float:
    """Median distance of points seen under two poses, in the image plane but scaled to the bone."""
    first, second = apply(pose, points_mm), apply(other, points_mm)
    pixels = camera.pixels_of(first) - other_camera.pixels_of(second)
    distance = np.linalg.norm(pixels * np.asarray(camera.spacing_mm), axis=1)
    return float(np.median(distance * first[:, 2] / camera.sdd_mm))
