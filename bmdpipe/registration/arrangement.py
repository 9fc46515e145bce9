"""Where several bodies and the X-ray source stand at once, and how all of them move together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, about, apply

PER_BODY = 6
"""Turns about the camera's x, y, z through the body's centre (degrees), then shifts (mm)."""
SOURCE = 3
"""The source's shift along the detector's rows and columns and away from it, mm."""


@dataclass(frozen=True)
class Arrangement:
    """Bodies at `poses` (`camera_from_ct`), and how far the source stands off the one assumed.

    `source_mm` is (x, y, z): the principal point's shift on the detector, and what the distance
    between source and detector gains.
    """

    poses: tuple[Matrix, ...]
    source_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def camera(self, assumed: Camera) -> Camera:
        """Any view of the assumed camera (a window, another pixel size) with the source moved."""
        x, y, z = self.source_mm
        (sx, sy), (u, v) = assumed.spacing_mm, assumed.principal_point_px
        return replace(
            assumed, sdd_mm=assumed.sdd_mm + z, principal_point_px=(u + x / sx, v + y / sy)
        )

    def moved(
        self, step: NDArray[np.float64], centres_mm: Sequence[NDArray], sdd_mm: float
    ) -> Arrangement:
        """The arrangement after a step `[6 n]` or `[6 n + 3]`: the source first, then the bodies.

        When the source moves sideways the bodies keep their place before the detector; when it
        moves away they keep their magnification. `sdd_mm` is the assumed camera's.
        """
        own = step[: PER_BODY * len(self.poses)].reshape(-1, PER_BODY)
        source = step[own.size :] if step.size > own.size else np.zeros(SOURCE)
        stretch = source[2] / (sdd_mm + self.source_mm[2])
        poses = []
        for pose, centre, part in zip(self.poses, centres_mm, own, strict=True):
            at = apply(pose, centre)
            shift = part[3:] + np.array([-source[0], -source[1], stretch * at[2]])
            poses.append(about(at, part[:3], shift) @ pose)
        x, y, z = np.asarray(self.source_mm) + source
        return Arrangement(tuple(poses), (float(x), float(y), float(z)))
