"""How thick the femur's cortex is, from place to place."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from bmdpipe.virtual.hip.femur_space import FemurSpace, Field, band, step
from bmdpipe.virtual.hip.mineral import Mineral

THINNEST_MM = 0.25
SHAFT_MM = PchipInterpolator(
    [-300.0, -240.0, -180.0, -120.0, -80.0, -60.0, -45.0, -32.0, -20.0, -5.0, 10.0],
    [5.2, 6.8, 7.2, 6.8, 6.2, 5.6, 4.7, 3.6, 2.5, 1.5, 1.3],
)
"""Over the height above the joint; a femur of scale 1."""
INFERIOR_MM, SIDE_MM, SUPERIOR_MM = 3.6, 1.5, 1.1
"""Of the neck, at 57 years. Source: 3.9 mm inferiorly and 1.6 mm superiorly at 25 years, 3.3 and
0.3 mm at 85, women, Poole 2010, J Bone Miner Res 25(3), read as abstract; sides unverified."""
HEAD_MM, TROCHANTER_MM, LESSER_MM, CALCAR_MM, SCLEROSIS_MM = 0.9, 1.1, 1.3, 1.3, 3.2


def cortex_mm(space: FemurSpace, mineral: Mineral) -> Field:
    """Thickness in mm everywhere; only its values near the surface are used."""
    disease = space.frame.traits.disease
    side = np.clip(space.high, -1.2, 1.2)
    below, above = np.clip(-side, 0.0, None) ** 1.5, np.clip(side, 0.0, None) ** 1.5
    neck = SIDE_MM + (INFERIOR_MM - SIDE_MM) * np.minimum(below, 1.2)
    neck += (SUPERIOR_MM * mineral.superior - SIDE_MM) * np.minimum(above, 1.0)
    calcar = CALCAR_MM * band(np.hypot(space.out + 18.0, space.up + 22.0), 9.0)
    bearing = space.direction @ np.array([-np.sin(0.35), 0.0, np.cos(0.35)])
    head = HEAD_MM + SCLEROSIS_MM * disease.sclerosis * step(bearing - 0.72, 0.12)
    medial = 1.0 - 0.10 * np.tanh(space.out / 12.0)
    lateral_thin = 1.0 - 0.45 * step(space.out - 8.0, 5.0) * step(space.up + 34.0, 8.0)
    shaft = SHAFT_MM(np.clip(space.up, -300.0, 10.0)) * medial * lateral_thin
    shaft = shaft * mineral.shaft
    frame = space.frame
    lesser = (frame.lesser_apex - frame.centre_mm) @ frame.place - frame.joint
    lesser = lesser / frame.traits.scale
    bump = (
        band(space.out - lesser @ frame.outward - 1.0, 7.0)
        * band(space.up - lesser[2], 9.0)
        * step(space.deep - 6.0, 3.0)
    )
    shaft = shaft * (1.0 - bump) + LESSER_MM * bump
    weights = (space.head, space.neck, (1.0 - space.head) * space.trochanter, space.shaft)
    total = sum(weights) + 1e-9
    mixed = weights[0] * head + weights[1] * (neck + calcar)
    mixed = mixed + weights[2] * TROCHANTER_MM + weights[3] * (shaft + 0.4 * calcar * (1.0 - bump))
    scale = space.frame.traits.scale * mineral.cortical
    return np.maximum(scale * mixed / total, THINNEST_MM)
