"""Whether a config and its cohort tables would run."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.loading import load_config
from bmdpipe.virtual.configured import configured_cohort


def check(path: Path) -> str:
    """A sentence on what would run; raises UsageError, one line per fault."""
    config = load_config(path)
    cohort = configured_cohort(config)
    study = config.hip_bmd
    return (
        f"{path}: fine. Cohort '{config.cohort.name}' ({config.cohort.kind}): "
        f"{len(cohort.subjects)} subjects, {len(cohort.radiographs)} radiographs, "
        f"{config.folds.n_folds} folds, {len(study.decomposers)} decomposers, "
        f"{len(study.experiments)} experiments, targets {', '.join(study.targets)}."
    )
