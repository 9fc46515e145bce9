"""A radiograph as registration sees it, and windows of it around bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.image import Image
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, apply
from bmdpipe.projection.projector import project
from bmdpipe.registration.arrangement import Arrangement
from bmdpipe.registration.bones import Bone
from bmdpipe.registration.measures import similarity_of
from bmdpipe.registration.refinement import View
from bmdpipe.registration.similarity import GradientCorrelation
from bmdpipe.registration.window import Window, window_around


@dataclass(frozen=True)
class Film:
    """A radiograph (log-like, higher is denser; what is not finite does not count), the camera that
    its header describes (`distance_known` says whether with the source's distance), and how to
    register to it."""

    radiograph: Image
    camera: Camera
    config: RegistrationConfig
    distance_known: bool = True

    @property
    def source_sd_mm(self) -> tuple[float, float, float]:
        """What is not known of the source, as `Prior` takes it."""
        source = self.config.source
        distance = 0.0 if self.distance_known else source.distance_sd_mm
        return source.in_plane_sd_mm, source.in_plane_sd_mm, distance

    def window(
        self, bones: Sequence[Bone], at: Arrangement, pixel_mm: float, margin_mm: float
    ) -> Window:
        """Around bones where they stand; raises NothingToCompareError."""
        camera = at.camera(self.camera)
        moved = [apply(p, b.surface_mm) for p, b in zip(at.poses, bones, strict=True)]
        cut = tuple(any(b.cut[end] for b in bones) for end in (0, 1))
        return window_around(
            self.radiograph.array,
            camera,
            np.concatenate(moved),
            pixel_mm,
            margin_mm,
            (cut[0], cut[1]),
        )

    def measure(self, window: Window) -> GradientCorrelation:
        known = None if window.known.all() else window.known
        config = self.config
        return GradientCorrelation.of(
            window.image, config.derivative_sigma_px, known, config.derivative_quantile
        )

    def view(
        self,
        bones: Sequence[Bone],
        at: Arrangement,
        pixel_mm: float,
        margin_mm: float,
        behind: Sequence[tuple[Bone, Matrix]] = (),
    ) -> View:
        """Bones to be moved from where they stand, `behind` others that stay; raises
        NothingToCompareError."""
        window = self.window(bones, at, pixel_mm, margin_mm)
        measure = self.measure(window)
        background = np.zeros(window.image.shape, np.float32)
        for bone, pose in behind:
            background += project(
                bone.bodies[pixel_mm], window.camera, pose, method="factored", fineness="standard"
            )
        x, y, z = at.source_mm
        assumed = Arrangement(at.poses, (-x, -y, -z)).camera(window.camera)
        bodies = [bone.bodies[pixel_mm] for bone in bones]
        centres = [b.centre_mm for b in bones]
        search = similarity_of(window.image, window.known, measure, pixel_mm, self.config)
        return View(bodies, centres, assumed, measure, background, search)
