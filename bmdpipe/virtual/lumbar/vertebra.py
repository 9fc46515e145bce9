"""A lumbar vertebra as tables of primitives, in its own frame.

The frame's origin is the middle of the body: x to the patient's left, y to the back, z up.
Proportions of the arch follow Bogduk, Clinical Anatomy of the Lumbar Spine (recalled, unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.virtual.lumbar.traits import VertebraTraits
from bmdpipe.virtual.shape.primitives import Table, cone, disc
from bmdpipe.virtual.shape.ribbon import ribbon

UP, BACK = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Vertebra:
    """Tables of the body (with osteophytes) and of the posterior elements, what is cut out of both,
    and struts of denser or emptier spongy bone."""

    body: Table
    posterior: Table
    cuts: Table
    struts: Table


def build_vertebra(traits: VertebraTraits) -> Vertebra:
    """The vertebra of the slab; its neighbours are built from the same traits."""
    return Vertebra(
        body=np.array([*_body(traits), *_osteophytes(traits)]),
        posterior=np.array([*_arch(traits), *_facets(traits), *_processes(traits)]),
        cuts=np.array(_cuts(traits)),
        struts=np.array(_struts(traits)),
    )


def _body(t: VertebraTraits) -> list[Table]:
    """Waisted: two rims that carry the endplates and a narrower middle."""
    half, rim = 0.5 * t.height, 3.4
    a, b = 0.5 * t.width, 0.5 * t.depth
    core = t.trabecular_mg_cm3
    near_plate = core * 1.15 + 110.0 * t.wear.sclerosis
    forward = -0.04 * b
    rows = [disc([0.07, 0.03, 0], UP, BACK, [0.96 * a, 0.97 * b, half], 7.0, t.cortex, core)]
    for sign in (1.0, -1.0):
        centre = [0.05, forward, sign * (half - rim)]
        rows.append(disc(centre, UP, BACK, [a, b, rim], 7.0, t.cortex, near_plate))
    # The body bulges to the back on both sides of the midline: kidney-shaped.
    for side in (1.0, -1.0):
        at = np.array([side * 0.46 * a, 0.40 * b, 0.0])
        top, bottom = at + UP * (half - 8.0), at - UP * (half - 8.0)
        rows.append(cone(top, bottom, 0.46 * b, 0.46 * b, 6.0, t.cortex, core))
    return rows


def _osteophytes(t: VertebraTraits) -> list[Table]:
    """Beaks at the rims, at the front and the sides, more on one side."""
    if t.wear.osteophytes < 0.12:
        return []
    a, b, half = 0.5 * t.width, 0.5 * t.depth, 0.5 * t.height
    rows = []
    for k, degrees in enumerate((-150.0, -120.0, -60.0, -30.0)):
        for sign in (1.0, -1.0):
            draw = t.small[(2 * k + (sign > 0)) % 12]
            length = t.wear.osteophytes * max(5.0 + 3.5 * draw, 0.0)
            if length < 1.5:
                continue
            out = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])
            edge = out * np.array([a, b, 0.0]) * 0.93 + UP * sign * (half - 4.0)
            tip = edge + out * length + UP * sign * (1.0 + 0.5 * length)
            rows.append(cone(edge, tip, 4.0, 1.6, 4.0, 1.3 * t.cortex, 260.0))
    return rows


def _arch(t: VertebraTraits) -> list[Table]:
    """Pedicles from the upper half of the body, and laminae that close the canal."""
    b = 0.5 * t.depth
    inner, outer = 0.5 * t.canal_width, 0.5 * t.canal_width + 0.5 * t.pedicle
    dense = 1.5 * t.trabecular_mg_cm3 + 30.0
    thick = 1.7 * t.cortex
    rows = []
    for side in (1.0, -1.0):
        path = [[side * (outer - 0.5), 0.60 * b, 4.6], [side * outer, b + 10.5, 3.6]]
        half_width = 0.24 * t.height - 1.0
        rows += ribbon(path, UP, half_width, 0.5 * t.pedicle, 3.0, thick, dense)
        lamina = [
            [side * (inner + 1.5), b + 12.5, -1.0],
            [side * 0.62 * inner, b + 0.82 * t.canal_depth + 4.5, -2.5],
            [0.0, b + t.canal_depth + 4.8, -4.5],
        ]
        tilted = np.array([0.0, 0.30, -1.0]) / np.hypot(0.30, 1.0)
        rows += ribbon(lamina, tilted, [8.0, 8.0, 7.0], [3.3, 2.9, 3.2], 2.5, 1.9 * t.cortex, dense)
    return rows


def _facets(t: VertebraTraits) -> list[Table]:
    """Articular processes: the upper pair embraces the lower pair of the vertebra above."""
    b, inner = 0.5 * t.depth, 0.5 * t.canal_width
    pitch = t.height + t.disc
    rows = []
    for side, worn in ((-1.0, t.wear.facets[0]), (1.0, t.wear.facets[1])):
        grown = 1.0 + 0.45 * worn
        bone = 1.4 * t.trabecular_mg_cm3 + 60.0 + 220.0 * worn
        thick = 2.0 * t.cortex * (1.0 + 0.6 * worn)
        neck = np.array([side * (inner + 0.5 * t.pedicle), b + 11.0, 5.0])
        top = np.array([side * (inner + 6.3), b + 10.0, 0.5 * pitch + 4.0])
        rows += ribbon([neck, top], _slant(side), 3.4, [4.0, 3.1 * grown], 3.0, thick, bone)
        isthmus = np.array([side * (inner + 1.5), b + 13.5, -2.0])
        tip = np.array([side * (inner - 0.8), b + 17.3, -0.5 * pitch - 3.0])
        rows += ribbon([isthmus, tip], _slant(side), 2.2, [3.6, 3.3 * grown], 3.0, thick, bone)
    return rows


def _slant(side: float) -> np.ndarray:
    """Along the joint: upper lumbar facets stand nearly sagittal."""
    direction = np.array([-0.45 * side, 1.0, 0.0])
    return direction / np.linalg.norm(direction)


def _processes(t: VertebraTraits) -> list[Table]:
    """Transverse processes, a little unlike each other, and the hatchet of the spinous process."""
    b, inner = 0.5 * t.depth, 0.5 * t.canal_width
    bone = 1.2 * t.trabecular_mg_cm3 + 30.0
    rows = []
    for side, draw in ((-1.0, t.small[0]), (1.0, t.small[1])):
        root = [side * (inner + 0.8 * t.pedicle), b + 8.0, 3.5]
        middle = [side * 0.37 * t.span, b + 12.0 + draw, 4.0 + draw]
        tip = [side * 0.5 * t.span, b + 14.5 + 1.5 * draw, 5.5 + 2.0 * draw]
        rows += ribbon(
            [root, middle, tip], UP, [4.5, 3.5, 2.5], [3.0, 2.2, 2.4], 3.0, t.cortex, bone
        )
    base = b + t.canal_depth + 4.5
    lean = 0.8 * t.small[2]
    path = [[0.0, base, -4.5], [0.5 * lean, base + 14.0, -8.0], [lean, base + 27.0, -10.5]]
    rows += ribbon(path, UP, [6.5, 8.0, 8.5], [2.8, 2.3, 3.4], 2.5, 1.4 * t.cortex, bone)
    return rows


def _cuts(t: VertebraTraits) -> list[Table]:
    """The canal, rounded triangular, and the basivertebral foramen at mid-height."""
    b, x, r = 0.5 * t.depth, 0.5 * t.canal_width, 0.40 * t.canal_depth
    rows = []
    for where, back, radius in (
        (x - r, 0.44, r),
        (r - x, 0.44, r),
        (0.0, 0.56, 0.44 * t.canal_depth),
    ):
        y = b - 0.8 + back * t.canal_depth
        rows.append(cone([where, y, 60.0], [where, y, -60.0], radius, radius, 1.0, 0, 0))
    rows.append(cone([0, b + 2.0, 0.0], [0.0, 0.62 * b, 0.0], 3.2, 1.2, 2.0, 0, 0))
    return rows


def _struts(t: VertebraTraits) -> list[np.ndarray]:
    """Basivertebral veins spread from the foramen; the core is denser at the back; an island."""
    a, b, core = 0.5 * t.width, 0.5 * t.depth, t.trabecular_mg_cm3
    rows = []
    for side in (1.0, -1.0):
        at = [0.0, 0.60 * b, 0.0, side * 0.40 * a, 0.05 * b, 0.0, 1.5, -0.5 * core]
        rows.append(np.array(at))
        dense = [side * 0.6 * a, 0.55 * b, 8.0, side * 0.6 * a, 0.55 * b, -6.0, 5.0, 0.18 * core]
        rows.append(np.array(dense))
    rows.append(np.array([-0.4 * a, -0.55 * b, 0, 0.4 * a, -0.55 * b, 0, 5.0, -0.14 * core]))
    if t.island_mg_cm3 > 0.0:
        x, y, z = 0.3 * a * t.small[3], 0.25 * b * t.small[4], 3.0 * t.small[5]
        rows.append(np.array([x, y, z, x + 1.0, y, z + 2.0, 2.2, t.island_mg_cm3]))
    return rows
