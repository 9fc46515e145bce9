"""A whole virtual subject: bones placed in the CT's world and put on fine grids that fit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.virtual.demographics import Person, person_of, stream
from bmdpipe.virtual.hip.body_frame import BonyFrame, HipFrame
from bmdpipe.virtual.hip.disease import HipDisease, draw_disease
from bmdpipe.virtual.hip.femur import Femur, build_femur
from bmdpipe.virtual.hip.femur_traits import draw_femora
from bmdpipe.virtual.hip.fine_grid import CtGrid, FineBody, box, on_grid
from bmdpipe.virtual.hip.implant import Implant, build_implants, resected, without
from bmdpipe.virtual.hip.mineral import draw_mineral
from bmdpipe.virtual.hip.pelvis import Pelvis, build_pelvis, crest_top_mm
from bmdpipe.virtual.hip.pelvis_shape import CORNERS, hip_centres, tilted
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits, draw_pelvis
from bmdpipe.virtual.hip.soft_tissue import SoftTissue, Thigh, draw_soft_tissue

FEMUR_BELOW_HEAD_MM = 235.0
"""A femur ends so far below its head's centre: beyond all that an image shows."""


@dataclass(frozen=True)
class Anatomy:
    """Everything that is true of a subject. `bodies` are keyed pelvis, femur_r, femur_l.

    Where an implant is, the body holds what bone is left, and `femora` the landmarks of the femur
    before the operation.
    """

    person: Person
    disease: dict[str, HipDisease]
    femora: dict[str, Femur]
    hip_centres: dict[str, NDArray[np.float64]]
    soft: SoftTissue
    grid: CtGrid
    bodies: dict[str, FineBody]
    implants: tuple[Implant, ...]

    def thigh(self, side: str) -> Thigh:
        """The thigh around a femur as it lies in the CT."""
        return Thigh(self.hip_centres[side], np.eye(4))


def build_anatomy(config: VirtualConfig, number: int) -> Anatomy:
    """The subject of a number; nothing of another subject plays in."""
    seed = config.seed
    person = person_of(config, number)
    disease = draw_disease(config.disease, person, seed)
    mineral = draw_mineral(config.density, person, seed)
    femur_traits = draw_femora(person, disease, seed)
    pelvis_traits = draw_pelvis(person, seed, tuple(CORNERS))
    centres = hip_centres(pelvis_traits)
    femora = {
        s: build_femur(femur_traits[s], mineral, config.density, s, centres[s]) for s in SIDES
    }
    reach = {s: femora[s].head_reach_mm for s in SIDES}
    pelvis = build_pelvis(pelvis_traits, mineral, reach, disease)
    frame = _frame(femora, centres, pelvis_traits, pelvis)
    soft = draw_soft_tissue(config, person, frame)
    grid = _ct_grid(config, number, femora, crest_top_mm(pelvis_traits), soft)
    compact = mineral.compact_mg_cm3
    offset = float(stream(seed, number, "texture").uniform(0, 1000))
    coarse = config.pelvis_grid_mm or config.grid_mm
    bodies = {"pelvis": on_grid(pelvis.bones, grid, coarse, compact, offset, -400.0, parts=1)}
    implants: tuple[Implant, ...] = ()
    for side in SIDES:
        femur = femora[side]
        bone = femur.bone
        if disease[side].implant:
            bone = resected(femur)
            implants += _implants(config, femur, pelvis, grid)
        lowest = centres[side][2] - FEMUR_BELOW_HEAD_MM
        bodies[femur_body(side)] = on_grid([bone], grid, config.grid_mm, compact, offset, lowest)
    # Where arthritis leaves no joint space, the pelvis gives way: no place holds two bones.
    bodies["pelvis"] = without(bodies["pelvis"], [bodies[femur_body(s)] for s in SIDES])
    if implants:
        metals = [implant.share for implant in implants]
        bodies = {name: without(body, metals) for name, body in bodies.items()}
    return Anatomy(person, disease, femora, centres, soft, grid, bodies, implants)


def _implants(
    config: VirtualConfig, femur: Femur, pelvis: Pelvis, grid: CtGrid
) -> tuple[Implant, ...]:
    socket = pelvis.sockets[femur.frame.side]
    return build_implants(femur, socket.opening, socket.radius_mm, grid, config.grid_mm)


def _frame(
    femora: dict[str, Femur],
    centres: dict[str, NDArray[np.float64]],
    traits: PelvisTraits,
    pelvis: Pelvis,
) -> BonyFrame:
    low, high = box(pelvis.bones)
    hips = {}
    for side in SIDES:
        femur = femora[side]
        edges = np.abs([corner[0] for corner in box([femur.bone])])
        hips[side] = HipFrame(
            centre_mm=centres[side],
            shaft_mm=(femur.landmarks["shaft_2cm"], femur.landmarks["shaft_5cm"]),
            lesser_trochanter_mm=femur.lesser_trochanter_mm,
            trochanter_offset_mm=float(edges.max() - abs(centres[side][0])),
        )
    return BonyFrame(
        hips=hips,
        world_from_pelvis=tilted(traits, np.diag([traits.width, traits.depth, traits.height])).T,
        crest_mm=float(max(-low[0], high[0])),
        front_mm=float(low[1]),
        back_mm=float(high[1]),
    )


def _ct_grid(
    config: VirtualConfig,
    number: int,
    femora: dict[str, Femur],
    crest_mm: float,
    soft: SoftTissue,
) -> CtGrid:
    ct = config.ct
    rng = stream(config.seed, number, "ct grid")
    lowest = min(f.lesser_trochanter_mm[2] for f in femora.values()) - ct.below_lesser_trochanter_mm
    highest = crest_mm + ct.above_crest_mm
    slices = int(np.ceil((highest - lowest) / ct.slice_mm)) + 1
    side = ct.matrix * ct.pixel_mm
    middle_y = soft.centre_y_mm + 18.0
    x, y = np.array([0.0, middle_y]) + rng.uniform(-5, 5, 2) - 0.5 * side + 0.5 * ct.pixel_mm
    return CtGrid(
        size=(ct.matrix, ct.matrix, slices),
        spacing_mm=(ct.pixel_mm, ct.pixel_mm, ct.slice_mm),
        origin_mm=(round(float(x), 3), round(float(y), 3), round(float(lowest), 3)),
    )
