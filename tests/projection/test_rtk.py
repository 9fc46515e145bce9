"""An independent implementation: Joseph's projector of the Reconstruction Toolkit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse
from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import project
from tests.projection.conftest import CAMERA, apart, blobs, turned

with warnings.catch_warnings():
    # ITK's wrapping warns of its own types as it is imported, and dies where warnings are errors.
    warnings.simplefilter("ignore")
    itk = pytest.importorskip("itk")
    if not hasattr(itk, "RTK"):
        pytest.skip("itk-rtk is not installed", allow_module_level=True)
    rtk = itk.RTK
    rtk.JosephForwardProjectionImageFilter  # noqa: B018 - loads the library


def rtk_joseph(volume: Volume, camera: Camera, pose: np.ndarray) -> np.ndarray:
    """Integrals in value x mm. The volume needs three empty voxels around: RTK weighs a ray's first
    and last sample in the box by the part of a step that lies in it."""
    kind = itk.Image[itk.F, 3]
    image = itk.image_from_array(np.ascontiguousarray(np.pad(volume.array, 3), np.float32))
    image.SetSpacing(list(volume.spacing_mm))
    image.SetOrigin(volume.world_at(np.array([-3.0, -3.0, -3.0])).tolist())
    back = inverse(pose)
    detector = back[:3, :3] @ [0, 0, camera.sdd_mm] + back[:3, 3]
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    vectors = (back[:3, 3], detector, back[:3, 0], back[:3, 1])
    assert geometry.AddProjection(*[v.tolist() for v in vectors])
    (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
    source = rtk.ConstantImageSource[kind].New()
    source.SetOrigin([-cu * su, -cv * sv, 0.0])
    source.SetSpacing([su, sv, 1.0])
    source.SetSize([*camera.size_px, 1])
    projector = rtk.JosephForwardProjectionImageFilter[kind, kind].New()
    projector.SetInput(0, source.GetOutput())
    projector.SetInput(1, image)
    projector.SetGeometry(geometry)
    projector.Update()
    return itk.array_from_image(projector.GetOutput())[0]


@pytest.mark.parametrize("angles", [(0, 0, 0), (8, -12, 5), (0, 90, 0), (80, 5, 3), (20, 50, 30)])
def test_joseph_is_rtks(engine, angles):
    volume, pose = blobs(), turned(angles)
    image = project(Body.from_volume(volume), CAMERA, pose, engine=engine)
    assert apart(image, rtk_joseph(volume, CAMERA, pose)) < 1e-5
