"""How far a bone's projected surface may be off, from the curvature at the optimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, about, apply
from bmdpipe.registration.bones import Bone

POINTS = 200
STEP = 1e-3


def surface_sd_mm(
    camera: Camera, pose: Matrix, bone: Bone, covariance: NDArray[np.float64]
) -> float:
    """Root mean square over surface points of the standard deviation of their place in the image
    plane, mm at the bone, by the covariance `[6, 6]` of a step (degrees, mm)."""
    points = bone.surface_mm[:: max(1, len(bone.surface_mm) // POINTS)]
    centre, scale = apply(pose, bone.centre_mm), np.asarray(camera.spacing_mm)
    here = camera.pixels_of(apply(pose, points))
    depth = apply(pose, points)[:, 2:] / camera.sdd_mm
    slopes = np.empty((len(points), 2, 6))
    for i in range(6):
        step = np.zeros(6)
        step[i] = STEP
        moved = apply(about(centre, step[:3], step[3:]) @ pose, points)
        slopes[..., i] = (camera.pixels_of(moved) - here) * scale * depth / STEP
    variances = np.einsum("npi,ij,npj->n", slopes, covariance, slopes)
    return float(np.sqrt(max(variances.mean(), 0.0)))
