"""The six numbers that move a body away from its start, and how far each may go.

Angles (degrees) about the camera's x, y and z axes through the body's centre; the centre's shift
along x and y (mm at the centre's depth); its travel along its own ray (mm of depth). A change of
depth leaves the centre's projection where it is, so that what one view sees badly stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import Bounds
from bmdpipe.geometry.pose import Matrix, about, apply

PARAMETERS = 6
DEPTH = 5
"""The place of the depth among the parameters; one view sees it badly."""


@dataclass(frozen=True)
class Motion:
    """Poses near `start` (`camera_from_ct`) of a body whose centre is `centre_mm` in the CT."""

    start: Matrix
    centre_mm: NDArray[np.float64]

    def poses(self, parameters: NDArray) -> NDArray[np.float64]:
        """`camera_from_ct` `[n, 4, 4]` of parameters `[n, 6]`; all zero is the start."""
        parameters = np.atleast_2d(parameters)
        centre = apply(self.start, self.centre_mm)
        moved = np.repeat(centre[None], len(parameters), axis=0)
        moved[:, :2] += parameters[:, 3:5]
        moved *= (1.0 + parameters[:, 5] / centre[2])[:, None]
        return about(centre, parameters[:, :3], moved - centre) @ self.start


def limits(bounds: Bounds) -> NDArray[np.float64]:
    """The largest size of each of the six parameters."""
    return np.array([bounds.deg] * 3 + [bounds.mm] * 2 + [bounds.depth_mm])
