"""What all parts of the lumbar trunk are placed by."""

from __future__ import annotations

from dataclasses import dataclass

from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.lumbar.traits import VertebraTraits

LEVELS_BELOW_L1 = {"L1": 0, "L2": 1, "L3": 2, "L4": 3}
FAT_HU, GAS_HU = -102.0, -960.0
LIE_MM = 7.0
"""How far the back is flattened by the table."""
LEAST_FRONT_MM = 34.0
"""Half of what a thin patient has in front of the spine."""


@dataclass(frozen=True)
class Frame:
    """Sizes in mm about the middle of the vertebral body: half width and depth of the trunk, its
    middle and back, thickness of skin and fat, half depth `b` of the body, levels below L1."""

    half_width: float
    depth: float
    middle: float
    back: float
    skin: float
    b: float
    below: int
    person: Person
    traits: VertebraTraits
    enhanced: bool

    @property
    def inner(self) -> tuple[float, float]:
        """Half width and half depth inside the abdominal wall."""
        return self.half_width - self.skin - 13.0, self.depth - 0.75 * self.skin - 11.0
