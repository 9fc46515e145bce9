"""What the study of bone suppression keeps between its stages: images by purpose, findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import FINDINGS
from bmdpipe.core.records import Refusal
from bmdpipe.pairs.chest_cases import ChestCase
from bmdpipe.pairs.examples import Examples
from bmdpipe.pairs.folds import deal_folds


@dataclass(frozen=True)
class Gathered:
    """Examples with the cases they are of, and why others were left out."""

    examples: Examples
    cases: tuple[ChestCase, ...]
    refused: tuple[Refusal, ...]


def gather(
    cases: Sequence[ChestCase],
    read: Callable[[ChestCase], NDArray[np.float32]],
    n_folds: int,
    seed: int,
) -> Gathered:
    """Read images `[c, y, x]` and deal their subjects to folds, of each class about as many.

    Raises UsageError if fewer than two subjects per fold are left.
    """
    kept, images, refused = [], [], []
    for case in cases:
        try:
            images.append(read(case))
            kept.append(case)
        except CaseError as error:
            refused.append(Refusal.of(error, "study_data"))
    if not kept:
        raise UsageError("no radiograph could be read")
    labels = {case.subject: None if case.label is None else float(case.label) for case in kept}
    folds = deal_folds(labels, n_folds, seed)
    examples = Examples(
        tuple(case.case for case in kept),
        tuple(case.subject for case in kept),
        np.stack(images),
        np.array([np.nan if case.label is None else case.label for case in kept], dtype=float),
        np.array([folds[case.subject] for case in kept]),
    )
    return Gathered(examples, tuple(kept), tuple(refused))


def write_findings(folder: Path, masks: dict[str, NDArray[np.bool_]]) -> None:
    """The known findings `[y, x]` by case; there may be none."""
    with atomic_path(Path(folder) / FINDINGS) as part:
        save_file({name: mask.astype(np.uint8) for name, mask in masks.items()}, part)


def read_findings(folder: Path) -> dict[str, NDArray[np.bool_]]:
    return {name: mask > 0 for name, mask in load_file(Path(folder) / FINDINGS).items()}
