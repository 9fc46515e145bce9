"""Register the pelvis and then each femur of one CT to one radiograph, and refine all together.

Source: Otake et al. 2012, IEEE TMI 31 (CMA-ES, intensities), as Gu 2023 §3.1 uses it; the measure
here is gradient correlation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import BodySearch
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.joint import JointAngles, joint_angles
from bmdpipe.geometry.pose import Matrix, inverse
from bmdpipe.registration.arrangement import PER_BODY, Arrangement
from bmdpipe.registration.body_search import Searched, reprojection_mm, search_body
from bmdpipe.registration.bones import Bone
from bmdpipe.registration.confidence import Signs, probability_of_success
from bmdpipe.registration.evolution import spread
from bmdpipe.registration.film import Film
from bmdpipe.registration.mirror import mirror_margin
from bmdpipe.registration.motion import PARAMETERS
from bmdpipe.registration.prior import Joint, Prior
from bmdpipe.registration.refinement import Refined, refine
from bmdpipe.registration.scan import scanned
from bmdpipe.registration.similarity import NothingToCompareError
from bmdpipe.registration.uncertainty import surface_sd_mm

PELVIS = "pelvis"
ALL, TURNS = np.ones(PARAMETERS), np.array([1.0, 1, 1, 0, 0, 0])
NOTHING = Signs(0.0, 0.0, np.inf, 0.0, np.inf, 0.0)


@dataclass(frozen=True)
class BodyPose:
    """Where a bone stood (`camera_from_ct`) and how sure that is.

    `confidence` is the probability of success, `ok` says whether the pose may be used;
    `evaluations` counts projections, `history` the best similarity after each generation by level.
    """

    camera_from_ct: Matrix
    signs: Signs
    confidence: float
    ok: bool
    evaluations: int
    history: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Registration:
    """All bodies of one radiograph, by the camera that was solved with them.

    `joints` are the hips' angles by side against the CT, of poses that are `ok`; `history` is the
    similarity after each joint refinement step.
    """

    camera: Camera
    bodies: Mapping[str, BodyPose]
    joints: Mapping[str, JointAngles]
    history: tuple[float, ...] = ()


def register_radiograph(
    film: Film,
    bones: Mapping[str, Bone],
    rng: np.random.Generator,
    start: Matrix | None = None,
) -> Registration:
    """The pelvis from `start` (the nominal antero-posterior pose if None), then each femur from the
    pelvis's pose, then all together with what is not known of the source.

    A body that cannot be placed keeps its start, confidence 0 and `ok` False. Raises ValueError if
    there is no pelvis.
    """
    if PELVIS not in bones:
        raise ValueError("the pelvis is needed to start from")
    config = film.config
    if start is None:
        start = ap_pose(bones[PELVIS].centre_mm, film.camera, config.sod_mm)
    try:
        found = {PELVIS: _search_pelvis(film, bones[PELVIS], start, rng)}
    except NothingToCompareError:
        return Registration(film.camera, {name: _lost(start) for name in bones}, {})
    pelvis = found[PELVIS].pose
    for name, bone in bones.items():
        if name == PELVIS:
            continue
        starts = _starts(config.femur, TURNS, rng)
        try:
            found[name] = search_body(
                film, bone, pelvis, starts, config.femur, rng, [(bones[PELVIS], pelvis)]
            )
        except NothingToCompareError:
            continue
    return _together(film, bones, found, pelvis)


def _search_pelvis(film: Film, bone: Bone, start: Matrix, rng: np.random.Generator) -> Searched:
    """The first start is the given one, the second the best place of a scan."""
    config = film.config
    starts = _starts(config.pelvis, ALL, rng)
    if config.scan.reach_mm > 0 and len(starts) > 1:
        starts[1] = scanned(film, bone, start, config.scan)
    return search_body(film, bone, start, starts, config.pelvis, rng)


def _starts(plan: BodySearch, moving: NDArray, rng: np.random.Generator) -> NDArray[np.float64]:
    """The first start is the nominal one, the others differ by the first level's sigmas."""
    starts = np.zeros((plan.starts, PARAMETERS))
    sigmas = spread(plan.levels[0]) * moving
    starts[1:] = rng.standard_normal((plan.starts - 1, PARAMETERS)) * sigmas
    return starts


def _together(
    film: Film, bones: Mapping[str, Bone], found: Mapping[str, Searched], pelvis: Matrix
) -> Registration:
    """All placed bodies refined at the finest level, judged, and brought into the result."""
    config, names = film.config, list(found)
    placed = [bones[name] for name in names]
    joints = [Joint(0, i, bone.centre_mm) for i, bone in enumerate(placed) if i > 0]
    prior = Prior(film.source_sd_mm, config.joint_sd_mm, joints)
    at = Arrangement(tuple(found[name].pose for name in names))
    finest = config.refinement_pixel_mm[-1]
    try:
        view = film.view(placed, at, finest, config.margin_mm)
        refined = refine(view, at, prior, config.refinement_iterations)
    except NothingToCompareError:
        return Registration(film.camera, {name: _lost(pelvis) for name in bones}, {})
    margin = mirror_margin(film, bones[PELVIS], refined.arrangement.poses[0])
    bodies = {
        name: _judged(film, placed, names, i, found[name], refined, margin)
        for i, name in enumerate(names)
    }
    if not bodies[PELVIS].ok:
        bodies = {name: _refused(pose) for name, pose in bodies.items()}
    bodies |= {name: _lost(pelvis) for name in bones if name not in bodies}
    angles = {
        side: joint_angles(
            inverse(bodies[PELVIS].camera_from_ct) @ bodies[femur_body(side)].camera_from_ct, side
        )
        for side in SIDES
        if femur_body(side) in bodies and bodies[femur_body(side)].ok
    }
    camera = refined.arrangement.camera(film.camera)
    return Registration(camera, {n: bodies[n] for n in bones}, angles, refined.history)


def _judged(
    film: Film,
    placed: Sequence[Bone],
    names: Sequence[str],
    index: int,
    searched: Searched,
    refined: Refined,
    mirrored: float,
) -> BodyPose:
    """One body in a window of its own, the others behind it."""
    config, at = film.config, refined.arrangement
    bone, pose = placed[index], at.poses[index]
    others = [(b, p) for i, (b, p) in enumerate(zip(placed, at.poses, strict=True)) if i != index]
    own = Arrangement((pose,), at.source_mm)
    evaluations = searched.evaluations + refined.evaluations + 1
    try:
        view = film.view([bone], own, config.refinement_pixel_mm[-1], config.margin_mm, others)
    except NothingToCompareError:
        return BodyPose(pose, NOTHING, 0.0, False, evaluations, searched.history)
    images = np.concatenate([view.images([own]), view.background[None]])
    with_it, without = view.measure.of_batch(images)
    block = slice(PER_BODY * index, PER_BODY * (index + 1))
    camera = at.camera(film.camera)
    signs = Signs(
        similarity=float(with_it),
        gain=float(with_it - without),
        uncertainty_mm=surface_sd_mm(camera, pose, bone, refined.covariance[block, block]),
        agreement=searched.agreement,
        moved_mm=reprojection_mm(camera, pose, film.camera, searched.searched, bone.surface_mm),
        mirror_margin=mirrored,
    )
    confidence = probability_of_success(names[index], signs) if searched.inside else 0.0
    good = confidence >= config.min_confidence
    return BodyPose(pose, signs, confidence, good, evaluations, searched.history)


def _lost(start: Matrix) -> BodyPose:
    return BodyPose(start, NOTHING, 0.0, False, 0)


def _refused(pose: BodyPose) -> BodyPose:
    """A femur whose pelvis is not to be trusted is not, either."""
    return BodyPose(
        pose.camera_from_ct, pose.signs, pose.confidence, False, pose.evaluations, pose.history
    )
