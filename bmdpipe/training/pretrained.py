"""Where a decomposer's first weights come from, if not from chance: another cohort's training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import MODEL, WEIGHTS


def pretrained_files(decomposer: Decomposer) -> list[Path]:
    """The files that the decomposer's first stage starts from; none if it starts afresh."""
    if decomposer.pretrained is None:
        return []
    return [Path(decomposer.pretrained) / name for name in (WEIGHTS, MODEL)]


def check_pretrained(decomposers: Mapping[str, Decomposer], own_results: Path) -> None:
    """Raises UsageError where such a file is missing, or lies in the cohort's own results: a
    subject would be tested on weights that have seen it."""
    for name, decomposer in decomposers.items():
        for path in pretrained_files(decomposer):
            if not path.is_file():
                raise UsageError(f"decomposer '{name}': pretrained: there is no {path}")
            if path.resolve().is_relative_to(own_results.resolve()):
                raise UsageError(
                    f"decomposer '{name}': pretrained: {path.parent} was trained on this cohort; "
                    "its subjects would be tested on weights that have seen them"
                )
