"""Deal the cohort's usable subjects to folds, or check a table of folds that the user gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.folds import FoldsConfig
from bmdpipe.core.files import FOLDS, SUBJECT
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import read_record
from bmdpipe.pairs.folds import (
    STAGE_ONE_ONLY,
    check_folds,
    deal_folds,
    deal_rest,
    read_folds,
    write_folds,
)
from workflow_scripts.job import Job, Outcome, run_job


def folds(job: Job, out: Path) -> Outcome:
    config = job.section("folds", FoldsConfig)
    bmd_of: dict[str, float | None] = {}
    bones_only: list[str] = []
    for subject in job.row["subjects"]:
        folder = job.at("import", subject=subject)
        if not read_record(folder).ok:
            continue
        described = read_json(folder / SUBJECT)
        if described["dataset"] == STAGE_ONE_ONLY:
            bones_only.append(subject)
        else:
            bmd_of[subject] = described["dxa_abmd_g_cm2"]
    if config.file is None:
        dealt = deal_folds(bmd_of, config.n_folds, config.seed)
    else:
        given = read_folds(Path(config.file))
        check_folds(given, bmd_of, config.n_folds, config.file)
        dealt = {subject: given[subject] for subject in bmd_of}
    write_folds(out / FOLDS, dealt, deal_rest(bones_only, config.n_folds, config.seed))
    sizes = Counter(dealt.values())
    return Outcome(Metrics(values={f"subjects_fold{k}": n for k, n in sorted(sizes.items())}))


if __name__ == "__main__":
    run_job("folds", folds)
