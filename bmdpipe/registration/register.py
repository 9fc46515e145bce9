"""Register the pelvis and then each femur of one CT to one radiograph.

Source: Otake et al. 2012, IEEE TMI 31 (CMA-ES, intensities), as Gu 2023 §3.1 uses it; the measure
here is gradient correlation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import BodySearch, RegistrationConfig
from bmdpipe.core.image import Image
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import Matrix, apply
from bmdpipe.projection.splat import Cloud, splat
from bmdpipe.registration.bones import Bone
from bmdpipe.registration.evolution import Found, search
from bmdpipe.registration.motion import DEPTH, PARAMETERS, Motion, limits
from bmdpipe.registration.refinement import refine
from bmdpipe.registration.similarity import GradientCorrelation, NothingToCompareError
from bmdpipe.registration.window import window_around


@dataclass(frozen=True)
class BodyPose:
    """Where a bone stood, and how sure that is.

    `camera_from_ct`; the gradient correlation at the finest level; how much of it the bone adds to
    what is seen without it; how far the refinement moved the search's result (median of the surface
    points, mm in the image plane at the bone); whether the pose can be used; projections it took.
    """

    camera_from_ct: Matrix
    similarity: float
    gain: float
    moved_mm: float
    ok: bool
    evaluations: int


def register_radiograph(
    radiograph: Image,
    camera: Camera,
    bones: Mapping[str, Bone],
    config: RegistrationConfig,
    rng: np.random.Generator,
) -> dict[str, BodyPose]:
    """Poses by body's name; a femur starts from the pelvis's pose.

    `radiograph` is log-like (higher is denser) on `camera`'s pixels; pixels that are not finite do
    not count. A body that cannot be placed keeps its start, similarity 0 and `ok` False. Raises
    ValueError if there is no pelvis.
    """
    if "pelvis" not in bones:
        raise ValueError("the pelvis is needed to start from")
    film = Film(radiograph, camera, config)
    start = ap_pose(bones["pelvis"].centre_mm, camera, config.sod_mm)
    pelvis = register_body(film, bones["pelvis"], start, config.pelvis, rng)
    poses = {"pelvis": pelvis}
    behind = Placed(bones["pelvis"], pelvis.camera_from_ct)
    for name, bone in bones.items():
        if name != "pelvis":
            pose = register_body(film, bone, behind.pose, config.femur, rng, behind)
            poses[name] = replace(pose, ok=pose.ok and pelvis.ok)
    return poses


@dataclass(frozen=True)
class Film:
    """A radiograph, how it was taken, and how to register to it."""

    radiograph: Image
    camera: Camera
    config: RegistrationConfig


@dataclass(frozen=True)
class Placed:
    """A bone whose pose `camera_from_ct` is known and that is seen together with the next."""

    bone: Bone
    pose: Matrix


def register_body(
    film: Film,
    bone: Bone,
    start: Matrix,
    plan: BodySearch,
    rng: np.random.Generator,
    behind: Placed | None = None,
) -> BodyPose:
    """One body from one start: the pyramid's searches, then the refinement."""
    config = film.config
    motion, limit = Motion(start, bone.centre_mm), limits(plan.bounds)
    found = Found(np.zeros(PARAMETERS), 0.0, 0)
    margin = plan.bounds.mm * film.camera.sdd_mm / config.sod_mm
    try:
        for level in plan.levels:
            scene = Scene.of(film, bone, motion, found, level.pixel_mm, margin, behind)
            result = search(scene.similarities, found.parameters, limit, level, rng)
            found = replace(result, evaluations=found.evaluations + result.evaluations)
            margin = config.margin_mm
        searched = motion.poses(found.parameters)[0]
        for pixel_mm in config.refinement_pixel_mm:
            scene = Scene.of(film, bone, motion, found, pixel_mm, margin, behind)
            found = refine(scene.render, scene.measure, found, limit, config.refinement_iterations)
    except NothingToCompareError:
        return BodyPose(start, 0.0, 0.0, 0.0, False, found.evaluations)
    pose = motion.poses(found.parameters)[0]
    moved = reprojection_mm(film.camera, searched, pose, bone.surface_mm)
    gain = found.similarity - float(scene.measure.of_batch(scene.background[None])[0])
    free = np.abs(found.parameters) < 0.98 * limit
    ok = (
        found.similarity >= config.min_similarity
        and gain >= config.min_gain
        and moved <= config.max_moved_mm
        and bool(free[:DEPTH].all())
    )
    return BodyPose(pose, found.similarity, gain, moved, ok, found.evaluations)


def reprojection_mm(camera: Camera, a: Matrix, b: Matrix, points_mm: NDArray) -> float:
    """Median distance of points seen under two poses, in the image plane but scaled to the bone."""
    first, second = apply(a, points_mm), apply(b, points_mm)
    apart = (camera.pixels_of(first) - camera.pixels_of(second)) * np.asarray(camera.spacing_mm)
    return float(np.median(np.linalg.norm(apart, axis=1) * first[:, 2] / camera.sdd_mm))


@dataclass(frozen=True)
class Scene:
    """A bone, the window of the radiograph that it is compared with, and how it may move.

    `background` is the image of what does not move.
    """

    cloud: Cloud
    motion: Motion
    camera: Camera
    measure: GradientCorrelation
    background: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        film: Film,
        bone: Bone,
        motion: Motion,
        found: Found,
        pixel_mm: float,
        margin_mm: float,
        behind: Placed | None,
    ) -> Scene:
        """Raises NothingToCompareError."""
        points = apply(motion.poses(found.parameters)[0], bone.surface_mm)
        window = window_around(
            film.radiograph.array, film.camera, points, pixel_mm, margin_mm, bone.cut
        )
        known = None if window.known.all() else window.known
        config = film.config
        measure = GradientCorrelation.of(
            window.image, config.derivative_sigma_px, known, config.derivative_quantile
        )
        if behind is None:
            background = np.zeros_like(window.image)
        else:
            background = splat(behind.bone.clouds[pixel_mm], window.camera, behind.pose[None])[0]
        return cls(bone.clouds[pixel_mm], motion, window.camera, measure, background)

    def render(self, parameters: NDArray) -> NDArray[np.float32]:
        """The moving images `[n, h, w]` at parameters `[n, 6]`."""
        images = splat(self.cloud, self.camera, self.motion.poses(parameters))
        images += self.background
        return images

    def similarities(self, parameters: NDArray) -> NDArray[np.float64]:
        return self.measure.of_batch(self.render(parameters))
