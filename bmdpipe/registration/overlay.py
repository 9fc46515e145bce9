"""What a registration looks like: outlines on the radiograph, a checkerboard, and convergence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.image import Image
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.picture import Colour, Rgb, grey, outlined
from bmdpipe.projection.projector import project
from bmdpipe.registration.bones import Bone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bmdpipe.registration.register import BodyPose, Registration

COLOURS: dict[str, Colour] = {
    "pelvis": (0, 200, 255),
    "femur_r": (255, 160, 0),
    "femur_l": (255, 60, 200),
}
FAILED: Colour = (255, 0, 0)
THINNEST_MM = 2.0
"""Bone that a ray crosses for less than this is not drawn."""
PICTURE_PX = 1000
"""Pictures are made about this wide."""
SQUARES = 8
"""Squares of the checkerboard along the shorter side."""
SMOOTH_SHARE = 0.05
"""Of the picture's width: what is smoother than this is taken out of the checkerboard's images."""


def silhouettes(labels: Volume) -> dict[str, Body]:
    """Each body's mask, for its shadow."""
    shapes = {}
    for name, label in BODIES.items():
        mask = labels.array == label
        if mask.any():
            part = labels.crop(*bounding_slices(mask))
            ones = (part.array == label).astype(np.float32)
            shapes[name] = Body.from_volume(part.like(ones, "1"))
    return shapes


def smaller(radiograph: Image, camera: Camera) -> tuple[NDArray[np.float32], Camera]:
    """Block means about `PICTURE_PX` wide and the camera that sees them."""
    factor = max(1, round(radiograph.array.shape[1] / PICTURE_PX))
    height, width = (n // factor for n in radiograph.array.shape)
    blocks = radiograph.array[: height * factor, : width * factor]
    means = blocks.reshape(height, factor, width, factor).mean(axis=(1, 3))
    cropped = camera.cropped(0, 0, (width * factor, height * factor))
    return means.astype(np.float32), cropped.resized((width, height))


def overlay(radiograph: Image, found: Registration, shapes: Mapping[str, Body]) -> Rgb:
    """The radiograph with the contour of each projected body; a pose that failed is red."""
    small, camera = smaller(radiograph, found.camera)
    picture = grey(small)
    for name, pose in found.bodies.items():
        shadow = project(shapes[name], camera, pose.camera_from_ct, method="factored")
        colour = COLOURS[name] if pose.ok else FAILED
        picture = outlined(picture, shadow > THINNEST_MM, colour)
    return picture


def checkerboard(
    radiograph: Image, found: Registration, bones: Mapping[str, Bone], pixel_mm: float
) -> Rgb:
    """Squares of the radiograph and of the projected bones by turns; edges must run on.

    Both are shown without what varies slowly, which bone and soft tissue do not share.
    """
    from scipy.ndimage import gaussian_filter

    small, camera = smaller(radiograph, found.camera)
    drr = sum(
        project(bones[name].bodies[pixel_mm], camera, pose.camera_from_ct, method="factored")
        for name, pose in found.bodies.items()
    )
    known = np.isfinite(small)
    sigma = SMOOTH_SHARE * small.shape[1]
    share = np.maximum(gaussian_filter(known.astype(np.float32), sigma), 1e-3)
    sides = []
    for image in (np.where(known, small, 0.0), np.where(known, drr, 0.0)):
        detail = np.where(known, image - gaussian_filter(image, sigma) / share, np.nan)
        sides.append(grey(detail))
    square = max(1, min(small.shape) // SQUARES)
    rows, columns = np.indices(small.shape) // square
    return np.where(((rows + columns) % 2 == 0)[..., None], sides[0], sides[1])


def convergence(path: Path, registrations: Mapping[str, Registration]) -> None:
    """Similarity over the generations of each level's search (blue, red for a pose that failed) and
    over the joint refinement's steps (green), a panel per radiograph and body."""
    from matplotlib.figure import Figure

    from bmdpipe.core.atomic import atomic_path

    names = [n for n in BODIES if any(n in found.bodies for found in registrations.values())]
    figure = Figure(figsize=(3.2 * len(names), 2.2 * len(registrations)), layout="constrained")
    axes = figure.subplots(len(registrations), len(names), squeeze=False, sharey=True)
    for row, (radiograph, found) in zip(axes, registrations.items(), strict=True):
        for axis, name in zip(row, names, strict=True):
            axis.set_title(f"{radiograph}, {name}", fontsize=8)
            axis.tick_params(labelsize=7)
            if name in found.bodies:
                _draw(axis, found.bodies[name], found.history)
    for axis in axes[-1]:
        axis.set_xlabel("generation, then step", fontsize=8)
    for row in axes:
        row[0].set_ylabel("similarity", fontsize=8)
    with atomic_path(path) as part:
        figure.savefig(part, dpi=90, format="png")


def _draw(axis: Axes, pose: BodyPose, together: tuple[float, ...]) -> None:
    done = 0
    colour = "tab:blue" if pose.ok else "tab:red"
    for level in pose.history:
        axis.plot(range(done, done + len(level)), level, color=colour, lw=1.2)
        done += len(level)
        axis.axvline(done - 0.5, color="0.8", lw=0.6)
    axis.plot(range(done, done + len(together)), together, color="tab:green", lw=1.2)
    text = f"confidence {pose.confidence:.3f}"
    axis.text(0.98, 0.05, text, transform=axis.transAxes, ha="right", fontsize=7)
