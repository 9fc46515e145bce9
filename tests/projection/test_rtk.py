"""An independent implementation: Joseph's projector of the Reconstruction Toolkit."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import back_project, project
from tests.projection.conftest import CAMERA, apart, blobs, turned

if "itk-rtk" not in {d.name for d in metadata.distributions()}:
    pytest.skip("itk-rtk is not installed", allow_module_level=True)


@pytest.mark.parametrize("angles", [(0, 0, 0), (8, -12, 5), (0, 90, 0), (80, 5, 3), (20, 50, 30)])
def test_joseph_is_rtks(engine, angles):
    body, pose = Body.from_volume(blobs()), turned(angles)
    image = project(body, CAMERA, pose, engine=engine)
    assert apart(image, project(body, CAMERA, pose, engine="rtk", threads=1)) < 1e-5


def test_cameras_of_a_batch_and_several_bodies_are_rtks():
    """Off-centre cameras, unequal pixels, a volume whose axes are turned."""
    turn = turned((20, -30, 40))[:3, :3]
    bodies = [Body.from_volume(v) for v in (blobs(), replace(blobs(seed=5), direction=turn))]
    poses = np.stack([turned((3, 4, 5)), turned((-9, 2, 8))])
    cameras = [replace(CAMERA, principal_point_px=(30.5, 41.0)), replace(CAMERA, spacing_mm=(1, 3))]
    one, two = (project(bodies, cameras, [poses, poses[::-1]], engine=e) for e in ("numba", "rtk"))
    assert apart(one, two) < 1e-5


def test_what_rtk_lacks_is_refused():
    body, pose = Body.from_volume(blobs()), turned((0, 0, 0))
    with pytest.raises(ValueError, match="Siddon"):
        project(body, CAMERA, pose, method="siddon", engine="rtk")
    with pytest.raises(ValueError, match="back-projection"):
        back_project(body, CAMERA, pose, project(body, CAMERA, pose), engine="rtk")
    mirrored = Body.from_volume(replace(blobs(), direction=np.diag([-1.0, 1.0, 1.0])))
    with pytest.raises(ValueError, match="mirrored"):
        project(mirrored, CAMERA, pose, engine="rtk")
