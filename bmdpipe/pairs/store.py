"""Hip images on disk: one file per subject, one index for the cohort.

Reading takes a list of subjects and opens their files and no other: a training never touches the
subjects of its test fold. Files are mapped, so that memory holds a batch and not the cohort.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save_file

from bmdpipe.core.atomic import atomic_path, write_text
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import INDEX, PAIRS_OF_SUBJECT
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.mapped import ImageStack, MappedStack, map_tensors

KINDS = ("radiograph", "bones", "pf")
"""The radiograph (attenuation), the bones and the proximal femur (density projections, mg/cm2)."""
CT_KINDS = ("bones_ct", "pf_ct")
"""Beside them, where they are wanted: bones and proximal femur from uncalibrated CT (HU cm)."""


def kind_of(part: str, density: str) -> str:
    """The kind of image that shows a part (`bones`, `pf`) in `qct` or `ct` density."""
    return part if density == "qct" else f"{part}_{density}"


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
    """Cases and their images: each of `images` is `[n, h, w]` in the order of `cases`, on disk
    until it is indexed."""

    cases: tuple[Case, ...]
    images: Mapping[str, ImageStack]

    def __len__(self) -> int:
        return len(self.cases)

    def array(self, kind: str) -> NDArray[np.float32]:
        """All images of one kind `[n, h, w]` in memory."""
        return self.images[kind][np.arange(len(self))]


def write_subject(folder: Path, subject: str, images: Mapping[str, NDArray[np.float32]]) -> None:
    """Write one subject's stacks `[n, h, w]` by kind."""
    with atomic_path(Path(folder) / PAIRS_OF_SUBJECT.format(subject=subject)) as part:
        save_file({kind: np.ascontiguousarray(images[kind]) for kind in images}, part)


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
    subject_list = list(dict.fromkeys(case.subject for case in cases))
    stored = [
        _open_subject(Path(folder) / PAIRS_OF_SUBJECT.format(subject=subject))
        for subject in subject_list
    ]
    ordered = [case for subject in subject_list for case in cases if case.subject == subject]
    rows = [(subject_list.index(case.subject), case.row) for case in ordered]
    missing = sorted({kind for arrays in stored for kind in kinds if kind not in arrays})
    if missing:
        raise UsageError(
            f"the pairs in {folder} have no {', '.join(missing)}: set projection.uncalibrated"
        )
    return Pairs(
        tuple(ordered),
        {kind: MappedStack([arrays[kind] for arrays in stored], rows) for kind in kinds},
    )


def _open_subject(path: Path) -> dict[str, NDArray[np.float32]]:
    return map_tensors(path)
