"""The hospital's X-ray rooms, and which of them a subject was sent to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.xray import Family
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.xray.processing import Look
from bmdpipe.virtual.xray.scatter import Grid

BITS = (12, 10, 14, 12)
"""Bits stored, by room."""
EQUALISE = {
    "sigmoid": (0.7, 0.95),
    "linear": (0.75, 1.0),
    "multiscale": (0.7, 0.95),
    "gamma": (0.75, 1.0),
}
"""Of the configured maximum."""
CHAMBERS = (("right", "left"), ("right", "left", "centre"))
GOLDEN = 0.618
Curve = Literal["none", "sigmoid", "table"]
CURVES: tuple[Curve, ...] = ("sigmoid", "table")


@dataclass(frozen=True)
class Room:
    """What stays the same in a room. `shutter` blackens what lies outside of the collimated field;
    `curve` says which look-up table is left to the viewer, in the header."""

    number: int
    kvp: float
    filter_mm_al: float
    grid: Grid
    target_ugy: float
    chambers: tuple[str, ...]
    anode_up: bool
    bits: int
    look: Look
    shutter: bool
    curve: Curve


@dataclass(frozen=True)
class Visit:
    """A subject's room, and what its files tell: `distances` of the source, the `calibrated` pixel
    spacing, the `imager` spacing, the exposure `index`, the `collimator`. `cropped` images end at
    the field."""

    room: Room
    monochrome1: bool
    distances: bool
    imager: bool
    calibrated: bool
    index: bool
    collimator: bool
    cropped: bool


def draw_room(config: VirtualConfig, number: int) -> Room:
    """A room of the cohort; rooms take the families of looks in turn."""
    settings = config.radiograph
    rng = stream(config.seed, number, "x-ray room")
    family: Family = settings.looks[number % len(settings.looks)]
    return Room(
        number=number,
        kvp=float(np.clip(round(rng.normal(settings.kvp, settings.kvp_sd)), 60, 100)),
        filter_mm_al=settings.filter_mm_al,
        grid=Grid(
            int(settings.grid_ratios[number % len(settings.grid_ratios)]),
            settings.grid_focal_mm,
            0.0,
        ),
        target_ugy=settings.target_ugy * float(np.exp(0.15 * rng.uniform(-1, 1))),
        chambers=CHAMBERS[int(rng.integers(len(CHAMBERS)))],
        anode_up=bool(rng.random() < 0.5),
        bits=BITS[number % len(BITS)],
        look=Look(
            family,
            equalise=settings.harmonisation_max * float(rng.uniform(*EQUALISE[family])),
            enhance=float(rng.uniform(0.15, 0.5)),
            gain=float(rng.uniform(0.85, 1.05)),
            level=float(rng.uniform(0.47, 0.58)),
            curve=float(rng.uniform(0.1, 0.6)),
        ),
        shutter=_turn(number, 0.0) < settings.shutter_fraction,
        curve=CURVES[number % len(CURVES)]
        if _turn(number, 0.5) < settings.viewer_table_fraction
        else "none",
    )


def _turn(number: int, start: float) -> float:
    """Evenly spread over 0 to 1 from room to room, so that few rooms, too, have the share asked."""
    return (start + number * GOLDEN) % 1.0


def draw_visit(config: VirtualConfig, number: int) -> Visit:
    """Where a subject was X-rayed; the same for all of its radiographs."""
    settings = config.radiograph
    rng = stream(config.seed, number, "visit")
    room = draw_room(config, int(rng.integers(settings.rooms)))
    chance = rng.random(7)
    return Visit(
        room=room,
        monochrome1=bool(chance[0] < settings.monochrome1_fraction),
        distances=bool(chance[1] >= settings.missing_sdd_fraction),
        imager=bool(chance[2] >= settings.missing_spacing_fraction),
        calibrated=bool(chance[3] < settings.pixel_spacing_fraction),
        index=bool(chance[4] < settings.exposure_index_fraction),
        collimator=bool(chance[6] < settings.collimator_tags_fraction),
        cropped=bool(chance[5] < settings.cropped_fraction),
    )


def on_the_day(visit: Visit, config: VirtualConfig, rng: np.random.Generator) -> Room:
    """The room as it was for one exposure: the grid's centring and the look vary."""
    room = visit.room
    off = config.radiograph.grid_decentred_sd_mm * float(np.clip(rng.standard_normal(), -2, 2))
    gain, level = np.clip(rng.standard_normal(2), -2, 2)
    look = replace(
        room.look,
        gain=room.look.gain * float(np.exp(0.08 * gain)),
        level=room.look.level + 0.035 * float(level),
    )
    return replace(room, grid=replace(room.grid, decentred_mm=off), look=look)
