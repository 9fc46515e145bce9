"""How far the landmarks of a femur can be trusted: what is seen against what femora are like."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.densitometry.head import Head
from bmdpipe.densitometry.neck import Neck
from bmdpipe.densitometry.shaft import Shaft
from bmdpipe.geometry.landmarks import JUNCTION


@dataclass(frozen=True)
class Plausibility:
    """What was measured on the bone while its landmarks were found.

    `narrowness` is the neck's least section over the head's largest, `rival` the second bump's
    prominence over the lesser trochanter's, `trochanter_radii` that one's distance from the head's
    centre along the shaft in head radii, `junction_miss_mm` the largest distance of a junction
    point from the head's sphere.
    """

    head_share: float
    head_residual_mm: float
    narrowness: float
    neck_shaft_deg: float
    prominence_mm: float
    rival: float
    trochanter_radii: float
    junction_miss_mm: float

    def terms(self) -> dict[str, float]:
        """What may be wrong, and from 0 (surely) to 1 (no sign of it) how it looks.

        Limits are own choices around what the femora of the virtual cohort and a real CT show.
        """
        scored = {
            "the head is seen in part": (self.head_share, (0.4, 0.8), (0, 1)),
            "the head is no sphere": (self.head_residual_mm, (0.8, 1.4), (1, 0)),
            "the neck is too thick or too thin": (
                self.narrowness,
                (0.15, 0.22, 0.62, 0.9),
                (0, 1, 1, 0),
            ),
            "the angle of neck and shaft is odd": (
                self.neck_shaft_deg,
                (100, 110, 146, 158),
                (0, 1, 1, 0),
            ),
            "no lesser trochanter stands out": (self.prominence_mm, (2.0, 6.0), (0, 1)),
            "several bumps could be the lesser trochanter": (self.rival, (0.35, 0.8), (1, 0)),
            "the lesser trochanter lies too near to the head or too far": (
                self.trochanter_radii,
                (1.5, 1.9, 3.4, 3.9),
                (0, 1, 1, 0),
            ),
            "the head-neck junction is off the head": (self.junction_miss_mm, (3.5, 8.0), (1, 0)),
        }
        return {name: float(np.interp(*term)) for name, term in scored.items()}

    @property
    def confidence(self) -> float:
        """The poorest of the terms: one thing that is wrong is enough."""
        return min(self.terms().values())

    def to_json(self) -> dict[str, float]:
        return asdict(self)

    @property
    def weakest(self) -> str:
        terms = self.terms()
        return min(terms, key=lambda name: terms[name])


def plausibility(
    head: Head, neck: Neck, shaft: Shaft, points: dict[str, NDArray[np.float64]]
) -> Plausibility:
    height = float((head.centre_mm - shaft.origin_mm) @ shaft.up) - shaft.trochanter_mm
    off = [np.linalg.norm(points[name] - head.centre_mm) - head.radius_mm for name in JUNCTION]
    return Plausibility(
        head_share=head.share,
        head_residual_mm=head.residual_mm,
        narrowness=neck.narrowness,
        neck_shaft_deg=float(np.degrees(np.arccos(np.clip(neck.axis @ shaft.up, -1, 1)))),
        prominence_mm=shaft.prominence_mm,
        rival=shaft.rival,
        trochanter_radii=height / head.radius_mm,
        junction_miss_mm=float(np.max(np.abs(off))),
    )
