"""A subject's whole pelvis: hip bones, sacrum with coccyx, lowest lumbar vertebrae."""

from __future__ import annotations

from dataclasses import dataclass

from bmdpipe.core.labels import SIDES
from bmdpipe.virtual.hip.acetabulum import Socket, sockets
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.hip_bone import build_hip_bone
from bmdpipe.virtual.hip.hip_bone_form import WING
from bmdpipe.virtual.hip.lumbar import build_lumbar
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis_shape import placed
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits
from bmdpipe.virtual.hip.sacrum import build_sacrum
from bmdpipe.virtual.shape.bone import Bone


@dataclass(frozen=True)
class Pelvis:
    """Bones that move as one body; each is its own label if one wants it."""

    hips: dict[str, Bone]
    sacrum: Bone
    """With the coccyx."""
    lumbar: Bone
    """L5 to L2, so that the column runs out of a radiograph at its upper edge."""
    sockets: dict[str, Socket]

    @property
    def bones(self) -> tuple[Bone, ...]:
        """All of them."""
        return (*self.hips.values(), self.sacrum, self.lumbar)


def build_pelvis(
    traits: PelvisTraits,
    mineral: Mineral,
    head_radius_mm: dict[str, float],
    disease: dict[str, HipDisease],
) -> Pelvis:
    """The bones; the joints between them stay open."""
    cups = sockets(traits, head_radius_mm, disease)
    hips = {s: build_hip_bone(traits, mineral, s, cups[s], disease[s]) for s in SIDES}
    sacrum = build_sacrum(traits, mineral, [hip.solids for hip in hips.values()])
    return Pelvis(hips, sacrum, build_lumbar(traits, mineral), cups)


def crest_top_mm(traits: PelvisTraits) -> float:
    """Height of the iliac crests above the hip joints."""
    crests = [placed(traits, WING[-1], side) for side in SIDES]
    return max(float((crest[:, 2] + crest[:, 3]).max()) for crest in crests)
