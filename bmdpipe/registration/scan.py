"""Looking through a grid of places and tilts for a start of the search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import Scan
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix
from bmdpipe.registration.arrangement import Arrangement
from bmdpipe.registration.bones import Bone
from bmdpipe.registration.film import Film
from bmdpipe.registration.motion import PARAMETERS, Motion

POINTS = 300


def scanned(film: Film, bone: Bone, start: Matrix, config: Scan) -> NDArray[np.float64]:
    """The most alike parameters `[6]` about `start`. Raises NothingToCompareError."""
    steps = int(config.reach_mm / config.step_mm)
    places = np.arange(-steps, steps + 1) * config.step_mm
    grid = np.array([(t, x, y) for t in config.tilt_deg for y in places for x in places])
    parameters = np.zeros((len(grid), PARAMETERS))
    parameters[:, 0], parameters[:, 3:5] = grid[:, 0], grid[:, 1:]
    margin = config.reach_mm * film.camera.sdd_mm / film.config.sod_mm
    view = film.view([bone], Arrangement((start,)), config.pixel_mm, margin)
    poses = Motion(start, bone.centre_mm).poses(parameters)
    scores = view.searched_at(poses) * visible_share(view.camera, bone, poses)
    return parameters[int(scores.argmax())]


def visible_share(camera: Camera, bone: Bone, poses: NDArray) -> NDArray[np.float64]:
    """The share `[n]` of a bone's surface that a camera sees at poses `[n, 4, 4]`.

    A bone of which only a corner is seen finds likeness to that corner in many places, so that
    similarities of such different places are weighted by it.
    """
    points = bone.surface_mm[:: max(1, len(bone.surface_mm) // POINTS)]
    moved = np.einsum("nij,pj->npi", poses[:, :3, :3], points) + poses[:, None, :3, 3]
    pixels = camera.pixels_of(moved)
    inside = (pixels > -0.5) & (pixels < np.asarray(camera.size_px) - 0.5)
    return inside.all(axis=2).mean(axis=1)
