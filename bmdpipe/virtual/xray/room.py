"""The virtual X-ray room: from bodies at their poses to the picture that is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.xray import RadiographConfig
from bmdpipe.core.image import Image
from bmdpipe.core.labels import SIDES
from bmdpipe.core.volume import Volume
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import MM_PER_CM, density_projection
from bmdpipe.projection.joseph import project
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.positioning import Exposure
from bmdpipe.virtual.hip.soft_tissue import Thigh, tissue_fractions
from bmdpipe.virtual.xray.attenuation import (
    ADIPOSE_G_CM3,
    MUSCLE_G_CM3,
    transmission,
    tube_spectrum,
)

MG_PER_G = 1000.0
SOFT_BORDER_MM = 270.0
SOFT_SHRINK = 4
LEVELS = 4095


@dataclass(frozen=True)
class Processing:
    """What the room's computer makes of a raw image; one setting per subject.

    `low` is the share of the low frequencies taken away, `gain` the contrast, `curve` how much of
    an S the look-up table is, `level` the brightness of the hip region.
    """

    low: float
    gain: float
    curve: float
    level: float
    dose: float
    monochrome1: bool
    pixel_spacing: bool
    distances: bool


def draw_processing(config: VirtualConfig, number: int) -> Processing:
    room = config.radiograph
    rng = stream(config.seed, number, "processing")
    return Processing(
        low=float(rng.uniform(0.6, 1.0)) * room.harmonisation_max,
        gain=float(rng.uniform(0.8, 1.1)),
        curve=float(rng.uniform(0.0, 0.5)),
        level=float(rng.uniform(0.45, 0.60)),
        dose=float(np.exp(0.35 * np.clip(rng.standard_normal(), -2, 2))),
        monochrome1=bool(rng.random() < room.monochrome1_fraction),
        pixel_spacing=bool(rng.random() < room.pixel_spacing_fraction),
        distances=bool(rng.random() >= room.missing_sdd_fraction),
    )


def expose(
    config: VirtualConfig, anatomy: Anatomy, exposure: Exposure, processing: Processing
) -> Image:
    """A processed radiograph in 0 to 1, bone bright, patient's left on the image's right."""
    rng = stream(config.seed, anatomy.person.number, f"quanta {exposure.positioning}")
    mineral = bone_mineral(anatomy, exposure)
    lean, fat = soft_masses(config.radiograph, anatomy, exposure)
    primary = transmission(tube_spectrum(config.radiograph.kvp), lean, fat, mineral)
    detected = _detect(config.radiograph, exposure, primary, processing.dose, rng)
    picture = _process(exposure, detected, processing)
    return Image(picture, exposure.camera.spacing_mm, "attenuation")


def bone_mineral(anatomy: Anatomy, exposure: Exposure) -> NDArray[np.float32]:
    """Bone mineral along each ray, g/cm2, every bone at its own pose."""
    bodies = [(body.body, exposure.camera_from_ct[name]) for name, body in anatomy.bodies.items()]
    return density_projection(bodies, exposure.camera) / np.float32(MG_PER_G)


def soft_masses(
    room: RadiographConfig, anatomy: Anatomy, exposure: Exposure
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lean tissue and fat along each ray, g/cm2; they are smooth and are projected coarsely."""
    lying = exposure.positioning != "standing"
    thighs = {s: _posed_thigh(anatomy, exposure, s) for s in SIDES}
    step = room.soft_grid_mm
    half_x = 1.12 * exposure.soft.half_width_mm + 70.0
    half_y = exposure.soft.half_depth_mm + 25.0
    size = (
        int(2 * half_x / step),
        int(2 * half_y / step),
        int(2 * SOFT_BORDER_MM / step),
    )
    origin = (-half_x, exposure.soft.centre_y_mm - half_y, -SOFT_BORDER_MM)
    fields = tissue_fractions(exposure.soft, thighs, origin, (step, step, step), size, lying)
    width, height = exposure.camera.size_px
    shrink = SOFT_SHRINK if room.pixel_mm > 0.4 else 4 * SOFT_SHRINK
    coarse = exposure.camera.resized((-(-width // shrink), -(-height // shrink)))
    masses = []
    for field, density in zip(fields, (MUSCLE_G_CM3, ADIPOSE_G_CM3), strict=True):
        volume = Volume(field, (step, step, step), origin, "fraction")
        small = project(
            Body.from_volume(volume, np.ones(field.shape, bool)),
            coarse,
            exposure.camera_from_ct["pelvis"],
        )
        factors = (height / small.shape[0], width / small.shape[1])
        grown = zoom(small, factors, order=1, grid_mode=True, mode="nearest")
        masses.append(grown * np.float32(density / MM_PER_CM))
    return masses[0], masses[1]


def _posed_thigh(anatomy: Anatomy, exposure: Exposure, side: str) -> Thigh:
    """The thigh moves with its femur."""
    return Thigh(anatomy.hip_centres[side], exposure.femur_motion[side])


def _detect(
    room: RadiographConfig,
    exposure: Exposure,
    primary: NDArray[np.float32],
    dose: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Scatter, quanta, blur: detected energy, 1 = what reaches the middle of the patient."""
    pixel = exposure.camera.spacing_mm[0]
    height, width = primary.shape
    middle = primary[height // 4 : -height // 4, width // 4 : -width // 4]
    reference = np.float32(np.median(middle))
    every = max(int(8.0 / pixel), 1)
    clipped = np.minimum(primary[::every, ::every], 6.0 * reference)
    veil = gaussian_filter(clipped, 35.0 / (pixel * every), mode="nearest")
    factors = (height / veil.shape[0], width / veil.shape[1])
    veil = zoom(veil, factors, order=1, grid_mode=True, mode="nearest")
    signal = (primary + np.float32(room.scatter_to_primary) * veil) / reference
    quanta = np.float32(room.photons_per_mm2 * dose * pixel * pixel)
    signal += np.sqrt(signal / quanta) * rng.standard_normal(signal.shape, dtype=np.float32)
    if room.detector_blur_mm / pixel > 0.2:
        signal = gaussian_filter(signal, room.detector_blur_mm / pixel)
    return np.maximum(signal, np.float32(1e-4))


def _process(
    exposure: Exposure, detected: NDArray[np.float32], processing: Processing
) -> NDArray[np.float32]:
    """Logarithm, harmonisation of the low frequencies, automatic window, look-up table."""
    pixel = exposure.camera.spacing_mm[0]
    height, width = detected.shape
    log = -np.log(np.minimum(detected, np.float32(60.0)))
    every = max(int(5.0 / pixel), 1)
    low = gaussian_filter(
        np.maximum(log[::every, ::every], -1.2), 22.0 / (pixel * every), mode="nearest"
    )
    low = zoom(
        low, (height / low.shape[0], width / low.shape[1]), order=1, grid_mode=True, mode="nearest"
    )
    log -= np.float32(processing.low) * low
    middle = log[height // 4 : -height // 4 : 4, width // 8 : -width // 8 : 4]
    dark, bright = np.percentile(middle, [12.0, 99.8])
    span = (bright - dark) * 1.25 / processing.gain
    value = (log - np.float32(np.median(middle))) / np.float32(span) + np.float32(processing.level)
    value = np.clip(value, 0.0, 1.0)
    curved = value * value * (3.0 - 2.0 * value)
    return (value + np.float32(processing.curve) * (curved - value)).astype(np.float32)
