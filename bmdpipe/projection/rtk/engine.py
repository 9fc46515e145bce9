"""Joseph's projector of the Reconstruction Toolkit, an independent engine behind our interface.

For checks: it copies the volume at every call. Needs the extra `rtk` (itk, itk-rtk).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.joseph_only import JosephOnly
from bmdpipe.projection.views import Views

EMPTY = 3
"""Voxels of nothing around the body: RTK weighs a ray's first and last sample in the box by the
part of a step that lies in it, which differs from Joseph's sum where the box is tight."""
NOT_RIGID = 1e-6


class Rtk(JosephOnly):
    name = "rtk"

    def __init__(self) -> None:
        self._itk, self._rtk = toolkits()

    def add_joseph(
        self, body: Body, views: Views, images: NDArray[np.float32], threads: int
    ) -> None:
        """Add line integrals in value x mm to `images` `[n, h, w]`.

        Raises ValueError for a body with mirrored axes, whose world RTK's geometry cannot express.
        """
        itk = self._itk
        spacing = 1.0 / np.linalg.norm(body.index_from_world[:3, :3], axis=1)
        volume = itk.image_from_array(np.pad(body.values, EMPTY - 1).astype(np.float32))
        volume.SetSpacing(spacing.tolist())
        volume.SetOrigin((-(EMPTY - 1) * spacing).tolist())
        for view, image in zip(views, images, strict=True):
            body_from_camera = spacing[:, None] * view[:12].reshape(3, 4)
            image += self._projected(volume, body_from_camera, view[12:], image.shape, threads)

    def _projected(
        self,
        volume: Any,
        body_from_camera: NDArray[np.float64],
        camera: NDArray[np.float64],
        shape: tuple[int, ...],
        threads: int,
    ) -> NDArray[np.float32]:
        turn, source = body_from_camera[:, :3], body_from_camera[:, 3]
        if abs(np.linalg.det(turn) - 1.0) > NOT_RIGID:
            raise ValueError("engine 'rtk' needs a body whose axes are not mirrored")
        itk, rtk = self._itk, self._rtk
        kind = itk.Image[itk.F, 3]
        sdd, su, sv, cu, cv = camera.tolist()
        geometry = rtk.ThreeDCircularProjectionGeometry.New()
        vectors = (source, source + sdd * turn[:, 2], turn[:, 0], turn[:, 1])
        if not geometry.AddProjection(*[v.tolist() for v in vectors]):
            raise ValueError("engine 'rtk' cannot express this view")
        empty = rtk.ConstantImageSource[kind].New()
        empty.SetOrigin([-cu * su, -cv * sv, 0.0])
        empty.SetSpacing([su, sv, 1.0])
        empty.SetSize([shape[1], shape[0], 1])
        projector = rtk.JosephForwardProjectionImageFilter[kind, kind].New()
        projector.SetInput(0, empty.GetOutput())
        projector.SetInput(1, volume)
        projector.SetGeometry(geometry)
        projector.SetNumberOfWorkUnits(threads)
        projector.GetMultiThreader().SetMaximumNumberOfThreads(threads)
        projector.Update()
        result: NDArray[np.float32] = itk.array_from_image(projector.GetOutput())[0]
        return result


def toolkits() -> tuple[Any, Any]:
    """The modules itk and itk.RTK. Raises ImportError with what to install."""
    try:
        with warnings.catch_warnings():
            # ITK's wrapping warns of its own types as it is imported.
            warnings.simplefilter("ignore")
            import itk
            from itk import RTK

            RTK.JosephForwardProjectionImageFilter  # noqa: B018 - loads the library
    except ImportError as error:
        raise ImportError("engine 'rtk' needs itk-rtk: pip install 'bmdpipe[rtk]'") from error
    return itk, RTK
