"""Does the mirrored picture fit better? Then left and right are swapped, in the file or the CT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bmdpipe.geometry.pose import Matrix, apply, rigid
from bmdpipe.registration.arrangement import Arrangement
from bmdpipe.registration.bones import Bone
from bmdpipe.registration.film import Film
from bmdpipe.registration.prior import Prior
from bmdpipe.registration.refinement import refine
from bmdpipe.registration.similarity import NothingToCompareError

FLIP = np.diag([-1.0, 1.0, 1.0])
NO_PRIOR = Prior((0.0, 0.0, 0.0), 1.0)


def mirror_margin(film: Film, pelvis: Bone, pose: Matrix) -> float:
    """How much better the pelvis fits than it does the mirrored picture, as gradient correlation.

    A pelvis is nearly its own mirror image, so that a swapped picture finds a likely pose: only the
    comparison tells. Both sides are refined from mirrored poses in the same pixels.
    """
    image = film.radiograph
    mirrored = replace(
        film,
        radiograph=image.like(np.ascontiguousarray(image.array[:, ::-1]), image.unit),
        camera=film.camera.mirrored(),
    )
    turned = FLIP @ pose[:3, :3] @ FLIP
    centre = FLIP @ apply(pose, pelvis.centre_mm)
    other = rigid(turned, centre - turned @ pelvis.centre_mm)
    return _fit(film, pelvis, pose) - _fit(mirrored, pelvis, other)


def _fit(film: Film, pelvis: Bone, pose: Matrix) -> float:
    config, at, similarity = film.config, Arrangement((pose,)), -1.0
    try:
        for pixel_mm in config.refinement_pixel_mm[:2]:
            view = film.view([pelvis], at, pixel_mm, config.margin_mm)
            found = refine(view, at, NO_PRIOR, config.refinement_iterations)
            at, similarity = found.arrangement, found.similarity
    except NothingToCompareError:
        return -1.0
    return similarity
