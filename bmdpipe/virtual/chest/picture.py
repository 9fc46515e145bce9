"""From masses behind the patient to the pair of pictures: scatter, quanta, blur, processing.

Beam and detector are those of the hip's X-ray room; scatter and look are the chest's own.

The pair shares everything but the bones that are taken away: one exposure, one field of scatter,
one noise realisation (in units of the local standard deviation), one low-frequency picture and one
window, all those of the picture with bones. So the two differ where bone was and nowhere else, and
what they differ by is nearly free of noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.xray.attenuation import absorption_of, transmission
from bmdpipe.virtual.xray.detector import response_to
from bmdpipe.virtual.xray.spectrum import tube_beam

SCATTER_MM, LOW_MM = 40.0, 30.0


@dataclass(frozen=True)
class Masses:
    """Behind each pixel, g/cm2."""

    lean: NDArray[np.float32]
    fat: NDArray[np.float32]
    mineral: NDArray[np.float32]
    removed: NDArray[np.float32]
    """The share of `mineral` that the bone-suppressed picture lacks."""


@dataclass(frozen=True)
class Processing:
    """Share of the low frequencies taken away, window, look-up table (a power, then an S), dose."""

    low: float
    dark: float
    bright: float
    gamma: float
    curve: float
    dose: float
    kvp: float


def draw_processing(config: ChestConfig, number: int) -> Processing:
    rng = stream(config.seed, number, "processing")
    return Processing(
        low=float(rng.uniform(0.15, 0.45)),
        dark=float(rng.uniform(0.04, 0.17)),
        bright=float(rng.uniform(0.80, 0.96)),
        gamma=float(rng.uniform(0.62, 0.92)),
        curve=float(rng.uniform(0.0, 0.6)),
        dose=float(np.exp(0.35 * np.clip(rng.standard_normal(), -2, 2))),
        kvp=float(np.clip(config.kvp + rng.uniform(-8, 8), 60, 130)),
    )


def expose_pair(
    config: ChestConfig, number: int, masses: Masses, processing: Processing
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The radiograph and its bone-suppressed twin, 0 to 1, dense tissue bright."""
    beam = tube_beam(processing.kvp, config.filter_mm_al)
    absorption = absorption_of(beam, response_to(beam.energy_kev).signal)
    soft = np.stack([masses.lean, masses.fat])
    full = transmission(absorption, soft, masses.mineral[None])
    left = np.maximum(masses.mineral - masses.removed, 0.0)
    without = transmission(absorption, soft, left[None])
    pixel = config.detector_mm / config.size_px
    rim = config.size_px // 5
    reference = np.float32(np.median(full[rim:-rim, rim:-rim]))
    # Quanta scatter where there is matter; the open beam beside the patient sheds no veil.
    scattering = 1.0 - np.exp(np.float32(-0.12) * (masses.lean + masses.fat))
    veil = _smooth(np.minimum(full, 2.5 * reference) * scattering, SCATTER_MM, pixel)
    scatter = np.float32(config.scatter_to_primary) * veil
    rng = stream(config.seed, number, "quanta")
    noise = rng.standard_normal(full.shape, dtype=np.float32)
    quanta = np.float32(config.photons_per_mm2 * processing.dose * pixel * pixel)
    pair = []
    for primary in (full, without):
        signal = (primary + scatter) / reference
        signal = signal + np.sqrt(signal / quanta) * noise
        if config.detector_blur_mm / pixel > 0.2:
            signal = gaussian_filter(signal, config.detector_blur_mm / pixel, truncate=3.0)
        pair.append(-np.log(np.clip(signal, 1e-4, 60.0)))
    low = _smooth(np.clip(pair[0], -1.1, 2.0), LOW_MM, pixel)
    first = pair[0] - np.float32(processing.low) * low
    window = _window(first, processing)
    twin = pair[1] - np.float32(processing.low) * low
    return _look_up(first, window, processing), _look_up(twin, window, processing)


def _smooth(image: NDArray[np.float32], sigma_mm: float, pixel_mm: float) -> NDArray[np.float32]:
    """A wide blur, on a coarse raster."""
    every = max(int(0.15 * sigma_mm / pixel_mm), 1)
    small = gaussian_filter(image[::every, ::every], sigma_mm / (pixel_mm * every), mode="nearest")
    factors = (image.shape[0] / small.shape[0], image.shape[1] / small.shape[1])
    grown = zoom(small, factors, order=1, grid_mode=True, mode="nearest")
    return grown.astype(np.float32)


def _window(picture: NDArray[np.float32], processing: Processing) -> tuple[float, float]:
    """Offset and scale that bring lungs and abdomen to the wanted greys, as the console does."""
    height, width = picture.shape
    inner = picture[height // 8 : -height // 12 : 3, width // 7 : -width // 7 : 3]
    dark, bright = (float(v) for v in np.percentile(inner, [6.0, 95.0]))
    scale = (processing.bright - processing.dark) / max(bright - dark, 1e-3)
    return processing.dark - dark * scale, scale


def _look_up(
    picture: NDArray[np.float32], window: tuple[float, float], processing: Processing
) -> NDArray[np.float32]:
    value = np.clip(picture * np.float32(window[1]) + np.float32(window[0]), 0.0, 1.0)
    value **= np.float32(processing.gamma)
    curved = value * value * (3.0 - 2.0 * value)
    return (value + np.float32(processing.curve) * (curved - value)).astype(np.float32)
