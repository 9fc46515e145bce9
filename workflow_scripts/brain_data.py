"""Bring a cohort of NIfTI volumes onto the network's grid and deal its subjects to folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.companions import BrainMrConfig
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import Refusal
from bmdpipe.pairs.examples import Examples, write_examples
from bmdpipe.pairs.folds import deal_folds
from bmdpipe.pairs.volumes import network_grid, read_participants, volume_on
from workflow_scripts.job import Job, Outcome, run_job


def brain_data(job: Job, out: Path) -> Outcome:
    config = job.section("study", BrainMrConfig)
    folder = Path(config.folder) if config.folder else job.at("study_cohort")
    grid = network_grid(config.size_vox, config.voxel_mm)
    people, volumes, refused = [], [], []
    for person in read_participants(folder):
        try:
            volumes.append(volume_on(grid, person.volume, person.subject))
            people.append(person)
        except CaseError as error:
            refused.append(Refusal.of(error, "study_data"))
    classes = tuple(sorted({person.group for person in people}, key=_severity))
    if len(classes) < 2:
        raise UsageError("fewer than two groups are left to tell apart")
    label_of = {person.subject: classes.index(person.group) for person in people}
    folds = deal_folds(dict(label_of), config.n_folds, config.fold_seed)
    names = tuple(person.subject for person in people)
    write_examples(
        out,
        Examples(
            names,
            names,
            np.stack(volumes)[:, None],
            np.array([label_of[name] for name in names], dtype=float),
            np.array([folds[name] for name in names]),
        ),
    )
    described = {
        "classes": list(classes),
        "virtual": config.folder is None,
        "cases": len(names),
        "groups": len(names),
        "refused": [f"{r.case}: {r.code} {r.hint}" for r in refused],
    }
    write_json(out / STUDY_DATA, described)
    return Outcome(Metrics(params={"cases": len(names), "refused": len(refused)}))


def _severity(group: str) -> tuple[bool, str]:
    """Unimpaired groups first, so that the last class is the finding."""
    return group.lower() not in ("normal", "cn", "control", "hc"), group


if __name__ == "__main__":
    run_job("study_data", brain_data)
