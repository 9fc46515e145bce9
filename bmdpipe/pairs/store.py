"""Hip images on disk: one file per subject, one index for the cohort.

Reading takes a list of subjects and opens their files and no other: a training never touches the
subjects of its test fold.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bmdpipe.core.atomic import atomic_path, write_text
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import INDEX, PAIRS_OF_SUBJECT
from bmdpipe.geometry.camera import Camera

KINDS = ("radiograph", "bones", "pf")
"""The radiograph (attenuation), the bones and the proximal femur (density projections, mg/cm2)."""


@dataclass(frozen=True)
class Case:
    """One hip in one radiograph. `row` is its place in the subject's file; `aspect` the whole
    radiograph's width over height; `target` tells whether it is the hip with known BMD."""

    subject: str
    radiograph: str
    positioning: str
    side: str
    row: int
    target: bool
    camera: Camera
    mirrored: bool
    aspect: float

    @property
    def name(self) -> str:
        return f"{self.subject}/{self.radiograph}/{self.side}"


@dataclass(frozen=True)
class Pairs:
    """Cases and their images: each of `images` is `[n, h, w]` in the order of `cases`."""

    cases: tuple[Case, ...]
    images: Mapping[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.cases)


def write_subject(folder: Path, subject: str, images: Mapping[str, NDArray[np.float32]]) -> None:
    """Write one subject's stacks `[n, h, w]`."""
    with atomic_path(Path(folder) / PAIRS_OF_SUBJECT.format(subject=subject)) as part:
        save_file({kind: np.ascontiguousarray(images[kind]) for kind in KINDS}, part)


def write_index(folder: Path, cases: Sequence[Case]) -> None:
    rows = [
        {
            "case": case.name,
            "subject": case.subject,
            "radiograph": case.radiograph,
            "positioning": case.positioning,
            "side": case.side,
            "row": case.row,
            "target": int(case.target),
            "camera": json.dumps(case.camera.to_json(), sort_keys=True),
            "mirrored": int(case.mirrored),
            "aspect": case.aspect,
        }
        for case in cases
    ]
    write_text(Path(folder) / INDEX, pd.DataFrame(rows).to_csv(sep="\t", index=False))


def read_index(folder: Path) -> list[Case]:
    table = pd.read_csv(Path(folder) / INDEX, sep="\t", dtype={"subject": str, "radiograph": str})
    return [
        Case(
            subject=row["subject"],
            radiograph=row["radiograph"],
            positioning=row["positioning"],
            side=row["side"],
            row=int(row["row"]),
            target=bool(row["target"]),
            camera=Camera.from_json(json.loads(row["camera"])),
            mirrored=bool(row["mirrored"]),
            aspect=float(row["aspect"]),
        )
        for row in table.to_dict("records")
    ]


def read_pairs(
    folder: Path,
    subjects: Collection[str],
    kinds: Sequence[str],
    positionings: Collection[str] | None = None,
    target_only: bool = False,
) -> Pairs:
    """The cases of these subjects, in the index's order, with the images that are asked for.

    Raises UsageError if nothing fits.
    """
    cases = [
        case
        for case in read_index(folder)
        if case.subject in subjects
        and (positionings is None or case.positioning in positionings)
        and (case.target or not target_only)
    ]
    if not cases:
        raise UsageError(
            f"no hip image of these {len(subjects)} subjects is usable in {folder}: look into the "
            "records of import, register and project"
        )
    stacks: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in kinds}
    for subject in dict.fromkeys(case.subject for case in cases):
        rows = [case.row for case in cases if case.subject == subject]
        stored = _open_subject(Path(folder) / PAIRS_OF_SUBJECT.format(subject=subject))
        for kind in kinds:
            stacks[kind].append(stored[kind][rows])
    ordered = [c for s in dict.fromkeys(c.subject for c in cases) for c in cases if c.subject == s]
    return Pairs(tuple(ordered), {kind: np.concatenate(stack) for kind, stack in stacks.items()})


def _open_subject(path: Path) -> dict[str, NDArray[np.float32]]:
    return load_file(path)
