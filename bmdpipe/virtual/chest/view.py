"""Where tube, patient and detector stand: a PA view, the patient's front at the detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, about, rigid
from bmdpipe.projection.body import Body
from bmdpipe.projection.joseph import project
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.demographics import stream

CAMERA_FROM_LPS_PA = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
"""The source is behind the patient; pictures are mirrored afterwards, so that the patient's left is
on the image's right as in every chest radiograph that is looked at."""
CENTRE_Z_MM = -28.0
MM_PER_CM = 10.0


@dataclass(frozen=True)
class View:
    """`camera_from_chest` carries the subject's frame (the stretched mean chest) to the camera."""

    camera: Camera
    camera_from_chest: Matrix


def draw_view(config: ChestConfig, number: int, build: Build) -> View:
    """A view with the small faults of placing a patient."""
    rng = stream(config.seed, number, "placing")
    z = np.clip(rng.standard_normal(5), -2.2, 2.2)
    pixel = config.detector_mm / config.size_px
    camera = Camera.centred(config.sdd_mm, (pixel, pixel), (config.size_px, config.size_px))
    front = 112.0 * build.stretch[1] + build.fat_mm + build.muscle_mm + config.front_gap_mm
    centre = np.array([0.0, 0.0, CENTRE_Z_MM * build.stretch[2]])
    straight = rigid(
        CAMERA_FROM_LPS_PA,
        np.array([0.0, 0.0, config.sdd_mm - front]) - CAMERA_FROM_LPS_PA @ centre,
    )
    shift = np.array([z[3], 0.0, 1.2 * z[4]]) * config.shift_sd_mm
    turned = about(centre, config.turn_sd_deg * z[:3] * [1.0, 0.6, 1.0], shift)
    return View(camera, straight @ turned)


def integrals(view: View, volume: Volume, shrink: int = 1) -> NDArray[np.float32]:
    """Line integrals of a volume in value x cm, mirrored for display; zeros if it is empty.

    `shrink` casts one ray for so many pixels each way and interpolates, for what is smooth.
    """
    width, height = view.camera.size_px
    if not volume.array.any():
        return np.zeros((height, width), np.float32)
    camera = view.camera.resized((-(-width // shrink), -(-height // shrink)))
    raw = project(Body.from_volume(volume), camera, view.camera_from_chest)
    if shrink > 1:
        factors = (height / raw.shape[0], width / raw.shape[1])
        raw = zoom(raw, factors, order=1, grid_mode=True, mode="nearest")
    return raw[:, ::-1] / np.float32(MM_PER_CM)
