"""Skin, fat, muscle and bowel around the bones, as volume fractions on any grid.

The thighs follow the femora of a positioning. The bones are not left out: what they displace is
taken away where images are formed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.labels import SIDES
from bmdpipe.core.volume import Triple
from bmdpipe.geometry.pose import Matrix
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.hip.body_frame import BonyFrame
from bmdpipe.virtual.hip.body_traits import BodyTraits, draw_body
from bmdpipe.virtual.hip.bowel import Contents, draw_contents
from bmdpipe.virtual.hip.cavity import Cavity, build_cavity
from bmdpipe.virtual.hip.disease import draw_disease
from bmdpipe.virtual.hip.muscles import Muscles, build_muscles
from bmdpipe.virtual.hip.skin import Skin, build_skin
from bmdpipe.virtual.hip.table_balls import balls_around
from bmdpipe.virtual.hip.tissue_kernel import fill

STEPS_PER_MM = 2.0**16
"""Places are rounded, so that a part of a grid has exactly the places of the whole."""


@dataclass(frozen=True)
class SoftTissue:
    """All soft tissue of a subject at rest, that is supine as in the CT.

    The half width, half depth and the middle in y bound the outline, mm; `back_mm` is where the
    table begins.
    """

    half_width_mm: float
    half_depth_mm: float
    centre_y_mm: float
    back_mm: float
    frame: BonyFrame
    body: BodyTraits
    muscles: Muscles
    cavity: Cavity
    skin: Skin
    contents: Contents
    male: bool
    noise_offset: float


@dataclass(frozen=True)
class Thigh:
    """A thigh that has moved with its femur: the joint's centre and the motion in the CT's world
    (the identity at rest)."""

    centre_mm: NDArray[np.float64]
    motion: Matrix


def draw_soft_tissue(config: VirtualConfig, person: Person, frame: BonyFrame) -> SoftTissue:
    """A body from sex, age, BMI and the state of its hips, with spread."""
    disease = draw_disease(config.disease, person, config.seed)
    wasted = {side: disease[side].severity for side in SIDES}
    body = draw_body(config.soft_tissue, person, config.seed, wasted)
    male = person.sex == "M"
    muscles = build_muscles(frame, body)
    cavity = build_cavity(frame, body)
    skin = build_skin(frame, body, muscles, cavity, male)
    # The heavier the subject, the more the table flattens; bone stays covered.
    pressed = skin.back_mm - (7.0 + 0.22 * body.posterior_mm)
    back = max(pressed, frame.back_mm + 5.0 + 0.15 * body.posterior_mm)
    rng = stream(config.seed, person.number, "bowel")
    return SoftTissue(
        half_width_mm=skin.half_width_mm,
        half_depth_mm=0.5 * (skin.back_mm - skin.front_mm) + 20.0,
        centre_y_mm=0.5 * (skin.back_mm + skin.front_mm),
        back_mm=float(back),
        frame=frame,
        body=body,
        muscles=muscles,
        cavity=cavity,
        skin=skin,
        contents=draw_contents(rng, frame, cavity, male, config.soft_tissue.gas, lying=True),
        male=male,
        noise_offset=float(
            stream(config.seed, person.number, "tissue texture").uniform(0.0, 1000.0)
        ),
    )


def with_new_contents(
    config: VirtualConfig, soft: SoftTissue, person: Person, occasion: str, lying: bool
) -> SoftTissue:
    """The same subject on another occasion: bowel and bladder have moved and filled anew."""
    rng = stream(config.seed, person.number, f"bowel {occasion}")
    gas = config.soft_tissue.gas
    return replace(
        soft, contents=draw_contents(rng, soft.frame, soft.cavity, soft.male, gas, lying)
    )


def tissue_fractions(
    soft: SoftTissue,
    thighs: Mapping[str, Thigh],
    origin_mm: Triple,
    spacing_mm: Triple,
    size: tuple[int, int, int],
    lying: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Volume fractions of lean tissue and of fat, `[z, y, x]`; the rest is air or gas.

    `lying` flattens the back on a table. A slab of a grid is a grid with another origin and size,
    and has the bytes of that part of the whole.
    """
    shape = size[::-1]
    lean, fat = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    xs, ys, zs = (
        np.rint((o + s * np.arange(n)) * STEPS_PER_MM) / STEPS_PER_MM
        for o, s, n in zip(origin_mm, spacing_mm, size, strict=True)
    )
    muscles, contents = soft.muscles, soft.contents
    legs = np.array([_leg_row(thighs[side], side) for side in SIDES])
    fill(
        xs, ys, zs, float(spacing_mm[0]), legs, _standing(soft, lying),
        soft.back_mm if lying else 1e3,
        soft.skin.trunk.values, soft.skin.trunk.origin_mm,
        soft.skin.legs["R"].values, soft.skin.legs["R"].origin_mm,
        soft.skin.legs["L"].values, soft.skin.legs["L"].origin_mm,
        soft.cavity.row(), muscles.table, balls_around(muscles.table), muscles.owner, muscles.side,
        muscles.infiltration, soft.body.plane_mm, soft.noise_offset,
        contents.table, balls_around(contents.table), contents.owner, contents.pieces, contents.up,
        lean, fat,
    )  # fmt: skip
    return lean, fat


def _leg_row(thigh: Thigh, side: str) -> list[float]:
    matrix = thigh.motion[:3, :3]
    turn = Rotation.from_matrix(matrix).as_rotvec()
    return [*thigh.centre_mm, *turn, 1.0 if side == "L" else -1.0, *matrix.T.ravel()]


def _standing(soft: SoftTissue, lying: bool) -> NDArray[np.float64]:
    """How far buttocks and belly come forth without a table, and at which height the belly does."""
    if lying:
        return np.zeros(3)
    body = soft.body
    return np.array(
        [
            6.0 + 0.25 * body.posterior_mm,
            3.0 + 0.2 * body.belly_mm + 12.0 * body.panniculus,
            60.0 - 25.0 * body.panniculus,
        ]
    )
