"""From one subject's radiographs and density projections to its hip images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.image import Image
from bmdpipe.core.labels import SIDES
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.hip import area_of, hip_camera, hip_image, hip_window
from bmdpipe.pairs.store import KINDS, Case


@dataclass(frozen=True)
class RegisteredRadiograph:
    """A radiograph with its density projections by kind on the same detector area.

    `camera` is the radiograph's; a `pf` is the target side's projection; `sides` are the hips whose
    pose can be trusted.
    """

    name: str
    positioning: str
    camera: Camera
    radiograph: Image
    projections: Mapping[str, Image]
    sides: tuple[str, ...]


def build_subject(
    subject: str,
    target_side: str | None,
    radiographs: Iterable[RegisteredRadiograph],
    config: PairsConfig,
    kinds: Sequence[str] = KINDS[1:],
) -> tuple[list[Case], dict[str, NDArray[np.float32]]]:
    """The subject's cases and its image stacks `[n, h, w]` by kind; `pf` is zero on the other side.

    `kinds` are the projections that every radiograph comes with. Without a `target_side` the
    subject serves the bones of stage one alone.

    Raises ValueError if a projection does not cover its radiograph's detector area.
    """
    cases: list[Case] = []
    stacks: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in (KINDS[0], *kinds)}
    for radiograph in radiographs:
        area = area_of(radiograph.camera)
        for image in (radiograph.radiograph, *radiograph.projections.values()):
            _check_area(radiograph.name, area, image)
        for side in (side for side in SIDES if side in radiograph.sides):
            mirrored = config.canonical_side and side == "L"
            window = hip_window(area, side, config.size_px, mirrored)
            is_target = side == target_side
            cases.append(
                Case(
                    subject=subject,
                    radiograph=radiograph.name,
                    positioning=radiograph.positioning,
                    side=side,
                    row=len(cases),
                    target=is_target,
                    camera=hip_camera(radiograph.camera, window),
                    mirrored=mirrored,
                    aspect=radiograph.radiograph.size_px[0] / radiograph.radiograph.size_px[1],
                )
            )
            stacks["radiograph"].append(hip_image(radiograph.radiograph, window))
            for kind in kinds:
                made = hip_image(radiograph.projections[kind], window)
                absent = kind.startswith("pf") and not is_target
                stacks[kind].append(np.zeros_like(made) if absent else made)
    width, height = config.size_px
    empty = np.zeros((0, height, width), dtype=np.float32)
    return cases, {kind: np.stack(stack) if stack else empty for kind, stack in stacks.items()}


def trusted_sides(bodies: Mapping[str, Mapping]) -> tuple[str, ...]:
    """The sides whose femur and pelvis were registered, from the `bodies` of poses.json."""
    if not bodies["pelvis"]["ok"]:
        return ()
    return tuple(side for side in SIDES if bodies.get(f"femur_{side.lower()}", {}).get("ok", False))


def _check_area(name: str, area_mm: tuple[float, float], image: Image) -> None:
    for expected, pixels, spacing in zip(area_mm, image.size_px, image.spacing_mm, strict=True):
        if abs(pixels * spacing - expected) > spacing:
            raise ValueError(
                f"{name}: an image covers {pixels * spacing:.1f} mm, the camera {expected:.1f} mm"
            )
