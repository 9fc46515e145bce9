"""Deal the cohort's usable subjects to folds, or check a table of folds that the user gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.folds import FoldsConfig
from bmdpipe.core.files import FOLDS, SUBJECT
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import read_record
from bmdpipe.pairs.folds import check_folds, deal_folds, read_folds, write_folds
from workflow_scripts.job import Job, Outcome, run_job


def folds(job: Job, out: Path) -> Outcome:
    config = job.section("folds", FoldsConfig)
    bmd_of: dict[str, float | None] = {}
    for subject in job.row["subjects"]:
        folder = job.at("import", subject=subject)
        if read_record(folder).ok:
            bmd_of[subject] = read_json(folder / SUBJECT)["dxa_abmd_g_cm2"]
    if config.file is None:
        dealt = deal_folds(bmd_of, config.n_folds, config.seed)
    else:
        given = read_folds(Path(config.file))
        check_folds(given, bmd_of, config.n_folds, config.file)
        dealt = {subject: given[subject] for subject in bmd_of}
    write_folds(out / FOLDS, dealt)
    sizes = Counter(dealt.values())
    return Outcome(Metrics(values={f"subjects_fold{k}": n for k, n in sorted(sizes.items())}))


if __name__ == "__main__":
    run_job("folds", folds)
