"""Augmented copies on disk, for studies that train on a folder of images and draw nothing anew.

A copy stays in its subject's file and belongs to its subject, so that it falls into the subject's
fold: copies of one image in training and test would be a leak.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.core.files import AUGMENTATIONS
from bmdpipe.pairs.augment import apply_geometry, apply_intensity, draw
from bmdpipe.pairs.store import KINDS, Case, read_index, read_pairs, write_index, write_subject


def write_copies(
    folder: Path, target: Path, copies: int, config: AugmentationConfig, seed: int
) -> None:
    """Fill `target` with the pairs of `folder` and `copies` augmented ones of each.

    The copies of radiograph `r` are called `r~1`, `r~2` ... and keep its camera: what was done to
    them stands in augmentations.json, by case, and replays. Equal seeds give equal copies, whatever
    other subjects there are.
    """
    cases: list[Case] = []
    record: dict[str, Any] = {}
    for subject in dict.fromkeys(case.subject for case in read_index(folder)):
        pairs = read_pairs(folder, {subject}, KINDS)
        whole = torch.from_numpy(np.stack([pairs.array(kind) for kind in KINDS], axis=1))
        random = torch.Generator().manual_seed(_seed(seed, subject))
        stacks, n = [whole], len(pairs)
        own = [replace(case, row=row) for row, case in enumerate(pairs.cases)]
        for number in range(1, copies + 1):
            drawn = draw(n, config, random)
            moved = apply_geometry(whole, drawn)
            moved[:, :1] = apply_intensity(moved[:, :1], drawn)
            stacks.append(moved)
            named = [
                replace(case, radiograph=f"{case.radiograph}~{number}", row=number * n + row)
                for row, case in enumerate(pairs.cases)
            ]
            own += named
            rows = drawn.to_json()
            record |= {case.name: row for case, row in zip(named, rows, strict=True)}
        images = torch.cat(stacks).numpy()
        write_subject(target, subject, {kind: images[:, i] for i, kind in enumerate(KINDS)})
        cases += own
    write_index(target, cases)
    write_json(target / AUGMENTATIONS, record)


def _seed(seed: int, subject: str) -> int:
    return int(np.random.SeedSequence([seed, *subject.encode()]).generate_state(1)[0])
