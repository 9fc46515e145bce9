"""Trabecular bone of the femur: its density and the two families of trajectories in it.

The groups are those of the Singh index: principal compressive from the calcar to the head's top,
principal tensile in an arc from the lateral cortex through the upper neck to the lower head, the
secondary groups below, the greater trochanter's, and Ward's triangle, which they leave bare.
Source: Singh 1970, J Bone Joint Surg Am 52(3), for the groups; the curves are drawn by eye
(unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.virtual.hip.femur_space import FemurSpace, Field, band, step
from bmdpipe.virtual.hip.mineral import Mineral

FAN_FROM = (-5.0, -54.0)
"""The compressive family runs along rays from here (out, up; mm of a femur of scale 1) ..."""
ARC_AROUND = (-27.0, -33.0)
"""... the tensile family along circles around here."""
HEAD, NECK, TROCHANTER, BETWEEN = 175.0, 75.0, 62.0, 58.0
COMPRESSIVE, TENSILE, SECONDARY = 165.0, 65.0, 42.0
"""Densities in mg/cm3 before the factors of the subject; the second line is what groups add."""
DENSEST = 850.0
"""What dense trabecular bone tends to, mg/cm3."""
WARD_LEFT = 0.35
"""What is left of the density in the middle of Ward's triangle."""


@dataclass(frozen=True)
class Family:
    """One family of trajectories: how much texture it shows and its two curved coordinates."""

    amplitude: Field
    across_mm: Field
    along_mm: Field


@dataclass(frozen=True)
class Curves:
    """Polar coordinates of both families: mm along and across."""

    ray: Field
    turn: Field
    circle: Field
    sweep: Field

    @classmethod
    def of(cls, space: FemurSpace) -> Curves:
        x, z = space.out - FAN_FROM[0], space.up - FAN_FROM[1]
        u, w = space.out - ARC_AROUND[0], space.up - ARC_AROUND[1]
        return cls(np.hypot(x, z), np.arctan2(-x, z), np.hypot(u, w), np.arctan2(-u, w))


def _compressive(space: FemurSpace, curves: Curves) -> Field:
    """The principal compressive group: 1 on its axis; it widens from the calcar to the head."""
    top = 0.62 * space.frame.traits.head_radius_mm / space.frame.traits.scale
    head = -space.frame.joint / space.frame.traits.scale
    out, up = head @ space.frame.outward + 1.0 - FAN_FROM[0], head[2] + top - FAN_FROM[1]
    axis = np.arctan2(-out, up)
    width = 3.5 + 6.5 * np.clip((curves.ray - 35.0) / 65.0, 0.0, 1.2)
    bent = axis - 0.05 * np.sin(np.clip((curves.ray - 35.0) / 75.0, 0.0, 1.0) * np.pi)
    group = band(curves.ray * (curves.turn - bent), width)
    return group * step(curves.ray - 32.0, 4.0) * band(space.deep, 14.0)


def _tensile(space: FemurSpace, curves: Curves) -> Field:
    """The principal tensile group: 1 on the arc that passes under the neck's upper cortex."""
    neck = space.frame.neck * 0.62 * space.frame.traits.neck_length_mm
    over = neck + 0.62 * space.frame.traits.neck_ratio * (
        space.frame.traits.head_radius_mm * space.frame.superior
    )
    place = (over - space.frame.joint) / space.frame.traits.scale
    arc = np.hypot(place @ space.frame.outward - ARC_AROUND[0], place[2] - ARC_AROUND[1])
    return band(curves.circle - arc, 4.0) * step(space.up + 26.0, 5.0) * band(space.deep, 14.0)


def _ward(space: FemurSpace) -> Field:
    """1 in the middle of Ward's triangle."""
    length = space.frame.traits.neck_length_mm
    along = (space.down_neck - 0.74 * length) / space.frame.traits.scale
    return band(np.hypot(along / 1.15, 16.0 * (space.high + 0.05)), 6.5) * band(space.deep, 13.0)


def trabecular_mg_cm3(space: FemurSpace, mineral: Mineral) -> Field:
    """Density of trabecular bone, averaged over its trabeculae."""
    curves = Curves.of(space)
    low = step(-space.up - 22.0, 9.0)
    fade = 1.0 - step(-space.up - 38.0, 11.0)
    head, trochanter = space.head, (1.0 - space.head) * space.trochanter
    neck = space.neck
    ground = HEAD * head + TROCHANTER * trochanter + NECK * neck * (1.0 - low)
    ground = (ground + BETWEEN * (neck * low + space.shaft)) / (
        head + trochanter + neck + space.shaft
    )
    groups = COMPRESSIVE * _compressive(space, curves) + TENSILE * _tensile(space, curves)
    groups = groups + SECONDARY * _secondary(space, curves)
    disease = space.frame.traits.disease
    dense = 1.0 + 0.8 * disease.sclerosis * head * step(space.radius - 0.7, 0.1) * step(
        space.direction[..., 2] - 0.55, 0.15
    )
    region = mineral.head_neck * (head + neck) + mineral.trochanter * (trochanter + space.shaft)
    region = region / (head + neck + trochanter + space.shaft)
    left = 1.0 - (1.0 - WARD_LEFT) * _ward(space)
    free = mineral.trabecular * region * fade * left * dense * (ground + groups)
    # Trabeculae that fill the marrow make no more than dense bone.
    return free / np.sqrt(1.0 + (free / DENSEST) ** 2)


def _secondary(space: FemurSpace, curves: Curves) -> Field:
    """Secondary compressive and tensile groups and the greater trochanter's, as one fan."""
    return step(space.out + 8.0, 5.0) * step(space.up + 34.0, 8.0) * band(curves.turn + 0.25, 0.3)


def families(space: FemurSpace) -> tuple[Family, Family]:
    """Compressive and tensile trajectories; texture is stronger where a group runs."""
    curves = Curves.of(space)
    alive = 1.0 - step(-space.up - 40.0, 8.0)
    down = alive * (0.45 + 0.75 * _compressive(space, curves) + 0.35 * _secondary(space, curves))
    across = alive * (0.30 + 0.75 * _tensile(space, curves)) * (1.0 - 0.5 * space.shaft)
    scale = space.frame.traits.scale
    return (
        Family(down, 58.0 * scale * curves.turn, scale * curves.ray),
        Family(across, scale * curves.circle, 48.0 * scale * curves.sweep),
    )
