"""The projected outlines of the bones on their radiograph, for looking at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bmdpipe.core.image import Image
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.picture import Colour, Rgb, grey, outlined
from bmdpipe.projection.splat import Cloud, splat
from bmdpipe.registration.register import BodyPose

COLOURS: dict[str, Colour] = {
    "pelvis": (0, 200, 255),
    "femur_r": (255, 160, 0),
    "femur_l": (255, 60, 200),
}
FAILED: Colour = (255, 0, 0)
THINNEST_MM = 2.0
"""Bone that a ray crosses for less than this is not drawn."""


def silhouettes(labels: Volume) -> dict[str, Cloud]:
    """Each body's mask, for its shadow."""
    clouds = {}
    for name, label in BODIES.items():
        mask = labels.array == label
        if mask.any():
            part = labels.crop(*bounding_slices(mask))
            ones = (part.array == label).astype(np.float32)
            clouds[name] = Cloud.from_volume(part.like(ones, "1"))
    return clouds


def overlay(
    radiograph: Image, camera: Camera, shapes: Mapping[str, Cloud], poses: Mapping[str, BodyPose]
) -> Rgb:
    """The radiograph with an outline per body; a pose that failed is red."""
    picture = grey(radiograph.array)
    for name, pose in poses.items():
        shadow = splat(shapes[name], camera, pose.camera_from_ct[None])[0] > THINNEST_MM
        picture = outlined(picture, shadow, COLOURS[name] if pose.ok else FAILED)
    return picture
