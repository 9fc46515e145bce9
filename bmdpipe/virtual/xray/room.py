"""From bodies at their poses to the picture that is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.xray import RadiographConfig
from bmdpipe.core.image import Image
from bmdpipe.geometry.camera import Camera
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.positioning import Exposure
from bmdpipe.virtual.xray.attenuation import absorption_of, transmission
from bmdpipe.virtual.xray.beam_profile import gain_map, profile
from bmdpipe.virtual.xray.collimation import Field, draw_field, open_field
from bmdpipe.virtual.xray.detector import LightSpread, detected, noise_kev, response_to
from bmdpipe.virtual.xray.equipment import Room, Visit, on_the_day
from bmdpipe.virtual.xray.exposure_control import Technique, exposed, kev_per_ugy
from bmdpipe.virtual.xray.marker import Marker, draw_marker, lay
from bmdpipe.virtual.xray.masses import hard_masses, soft_masses
from bmdpipe.virtual.xray.materials import MUSCLE
from bmdpipe.virtual.xray.processing import (
    Window,
    enhanced,
    logarithm,
    tabled,
    window_of,
)
from bmdpipe.virtual.xray.scatter import scattered
from bmdpipe.virtual.xray.spectrum import tube_beam

REFERENCE_MM = 1000.0
"""Distance from the focus at which a beam's fluence is given."""
PATIENT_G_CM2 = 18.0
"""Of muscle, behind which the energy of an effective quantum is taken."""
STORED_SPAN = (-0.35, 1.25)
"""Range of the window's value that is stored where the viewer applies the table."""
SHUTTERED = 0.9
"""Of the beam, below which an electronic shutter hides what the collimator lets pass."""


@dataclass(frozen=True)
class Picture:
    """A stored radiograph in 0 to 1, bone bright, the patient's left on the image's right.

    `exposure` has the camera of the stored pixels. Where the room leaves the table to the viewer,
    `window` says which stored values it shows as black and white; None if the table is in it.
    """

    image: Image
    exposure: Exposure
    field: Field
    technique: Technique
    marker: Marker | None
    room: Room
    window: Window | None


@dataclass(frozen=True)
class Arrangement:
    """How one exposure was set up."""

    room: Room
    field: Field
    error: float
    marked: bool


def expose(config: VirtualConfig, anatomy: Anatomy, exposure: Exposure, visit: Visit) -> Picture:
    """Beam, patient, scatter, detector, processing; cropped to the field if the visit says so."""
    settings = config.radiograph
    rng = stream(config.seed, anatomy.person.number, f"exposure {exposure.positioning}")
    setup = arrange(config, anatomy, exposure, visit, rng)
    soft, hard = soft_masses(settings, anatomy, exposure), hard_masses(anatomy, exposure)
    energy, marker = energy_per_mas(setup, exposure.camera, soft, hard, rng)
    del soft, hard
    reading, technique = read_out(settings, setup, exposure.camera, energy, rng)
    picture, window = processed(setup, exposure.camera, reading)
    image = Image(picture, exposure.camera.spacing_mm, "attenuation")
    whole = Picture(image, exposure, setup.field, technique, marker, setup.room, window)
    return cropped(whole) if visit.cropped and setup.field.shown else whole


def arrange(
    config: VirtualConfig,
    anatomy: Anatomy,
    exposure: Exposure,
    visit: Visit,
    rng: np.random.Generator,
) -> Arrangement:
    """Collimation, the exposure control's error and the marker of one exposure."""
    settings = config.radiograph
    room = on_the_day(visit, config, rng)
    tilt = float(np.clip(settings.collimator_tilt_sd_deg * rng.standard_normal(), -1.4, 1.4))
    narrow, marked, error = rng.random(), rng.random(), rng.standard_normal()
    field = (
        draw_field(anatomy, exposure, settings.collimator_inset_mm, tilt, rng)
        if narrow < settings.collimated_fraction
        else open_field(exposure.camera)
    )
    error = settings.exposure_error_sd * float(np.clip(error, -2, 2))
    return Arrangement(room, field, error, bool(marked < settings.marker_fraction))


def energy_per_mas(
    setup: Arrangement,
    camera: Camera,
    soft: NDArray[np.float32],
    hard: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Marker | None]:
    """Mean energy `[y, x]` that a pixel takes up per mAs, keV, behind grid and marker."""
    room = setup.room
    pixel = camera.spacing_mm[0]
    beam = tube_beam(room.kvp, room.filter_mm_al)
    signal = response_to(beam.energy_kev).signal
    primary = transmission(absorption_of(beam, signal), soft, hard)
    primary *= profile(camera, room.anode_up)
    primary *= setup.field.transmission(camera)
    veil = scattered(primary, soft.sum(axis=0) + hard.sum(axis=0), pixel)
    veil *= np.float32(room.grid.scattered)
    marker = draw_marker(setup.field.edges, primary, pixel, rng) if setup.marked else None
    primary *= room.grid.primary(camera)[None, :]
    primary += veil
    if marker is not None:
        lay(marker, primary, pixel)
    per_mm2 = float((beam.fluence * signal).sum()) * (REFERENCE_MM / camera.sdd_mm) ** 2
    primary *= np.float32(per_mm2 * pixel * pixel)
    return primary, marker


def read_out(
    settings: RadiographConfig,
    setup: Arrangement,
    camera: Camera,
    energy: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Technique]:
    """The panel's reading over the target's, corrected for the unattenuated beam."""
    room = setup.room
    pixel = camera.spacing_mm[0]
    technique = exposed(
        energy, pixel, room.kvp, room.target_ugy, settings.backup_mas, room.chambers, setup.error
    )
    energy *= np.float32(technique.mas)
    behind = tube_beam(room.kvp, room.filter_mm_al).through(MUSCLE, PATIENT_G_CM2)
    quantum = noise_kev(behind)
    per_ugy = kev_per_ugy() * pixel * pixel
    floor = float(np.sqrt(quantum * settings.electronic_ugy * per_ugy))
    spread = LightSpread.of(settings.half_modulation_per_mm)
    reading = detected(energy, quantum, floor, spread, pixel, rng)
    reading /= gain_map(camera, room.anode_up)
    reading /= np.float32(technique.kerma_ugy * per_ugy)
    return reading, technique


def processed(
    setup: Arrangement, camera: Camera, reading: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Window | None]:
    """The stored picture, and its window where the table is left to the viewer."""
    room = setup.room
    inner = inside(setup.field, reading.shape)
    log = enhanced(logarithm(reading), inner, camera.spacing_mm[0], room.look)
    window = window_of(log, inner, room.look)
    log -= np.float32(window.low)
    log /= np.float32(window.high - window.low)
    left_to_viewer: Window | None = None
    if room.curve == "none":
        picture = tabled(log, room.look)
    else:
        low, high = STORED_SPAN
        picture = np.clip((log - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
        left_to_viewer = Window(-low / (high - low), (1.0 - low) / (high - low))
    if room.shutter and setup.field.shown:
        picture[setup.field.transmission(camera) < SHUTTERED] = 0.0
    return picture, left_to_viewer


def inside(field: Field, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns that lie wholly inside the field, its tilt and penumbra allowed for."""
    left, top, right, bottom = field.edges
    height, width = shape
    lean = np.tan(np.deg2rad(abs(field.tilt_deg)))
    x, y = lean * 0.5 * (bottom - top), lean * 0.5 * (right - left)
    gap = 0.01 * width if field.shown else 0.0
    return (
        slice(max(int(np.ceil(top + y + gap)), 0), min(int(bottom - y - gap) + 1, height)),
        slice(max(int(np.ceil(left + x + gap)), 0), min(int(right - x - gap) + 1, width)),
    )


def cropped(picture: Picture) -> Picture:
    """The field's upright bounding box alone, as some rooms store it; the camera moves along.

    A side stays whole where the picture would else leave the aspect of the paper's, 0.880 to 1.228.
    """
    height, width = picture.image.array.shape
    rows, columns = outer(picture.field, (height, width))
    for part in ((rows, columns), (slice(0, height), columns), (rows, slice(0, width))):
        size = (part[1].stop - part[1].start, part[0].stop - part[0].start)
        if ASPECT[0] <= size[0] / size[1] <= ASPECT[1]:
            left, top = part[1].start, part[0].start
            exposure = picture.exposure
            camera = exposure.camera.cropped(left, top, size)
            array = np.ascontiguousarray(picture.image.array[part])
            return replace(
                picture,
                image=replace(picture.image, array=array),
                exposure=replace(exposure, camera=camera),
                field=picture.field.cropped(left, top),
            )
    return picture


ASPECT = (0.880, 1.228)


def outer(field: Field, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the field's bounding box that the detector has."""
    left, top, right, bottom = field.edges
    height, width = shape
    return (
        slice(max(int(top), 0), min(int(bottom) + 1, height)),
        slice(max(int(left), 0), min(int(right) + 1, width)),
    )
