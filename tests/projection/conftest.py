"""Bodies, cameras and engines that the projection tests share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply
from bmdpipe.projection.native import engine as native

CAMERA = Camera.centred(1200.0, (2.0, 2.0), (80, 70))
ENGINES = (
    pytest.param(
        "native", marks=pytest.mark.skipif(not native.available(), reason="no compiler was found")
    ),
    "numba",
)


def turned(degrees, shift=(0.0, 0.0, 0.0), camera: Camera = CAMERA, sod_mm: float = 1000.0):
    """A pose of the world's origin, turned and shifted from the AP view."""
    start = ap_pose(np.zeros(3), camera, sod_mm)
    return (
        about(apply(start, np.zeros(3)), np.array(degrees, float), np.array(shift, float)) @ start
    )


def empty(shape=(70, 75, 80), spacing=(1.0, 1.2, 1.1), unit="mg/cm3") -> Volume:
    x, y, z = (float(-s * (n - 1) / 2) for s, n in zip(spacing, shape[::-1], strict=True))
    return Volume(np.zeros(shape, np.float32), spacing, (x, y, z), unit)


def blobs(
    shape=(40, 50, 60), spacing=(1.5, 1.3, 2.0), seed: int = 2, smooth: float = 2.5
) -> Volume:
    """Masked random islands with sharp edges, whole numbers up to some 2000."""
    volume = empty(shape, spacing)
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), smooth)
    field /= field.std()
    array = np.where(field > 0.8, np.rint(200 + 600 * field), 0)
    array[[0, -1]] = array[:, [0, -1]] = array[:, :, [0, -1]] = 0
    return volume.like(array.astype(np.float32), volume.unit)


def apart(a, b) -> float:
    """Relative L2 distance."""
    return float(np.linalg.norm(np.asarray(a, float) - b) / np.linalg.norm(b))


@pytest.fixture(params=ENGINES)
def engine(request) -> str:
    return request.param
