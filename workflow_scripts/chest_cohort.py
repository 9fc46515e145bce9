"""Write the virtual chest cohort: radiographs, their twins without bones, truth, and the table."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.virtual.chest.table import write_chest_table
from bmdpipe.virtual.chest.write import write_chest_cohort
from workflow_scripts.job import Job, Outcome, run_job


def chest_cohort(job: Job, out: Path) -> Outcome:
    config = job.section("chest", ChestConfig)
    write_chest_table(out, config, job.config["pairs"], job.config["pretraining"])
    write_chest_cohort(config, out, job.threads)
    return Outcome(Metrics(params={"cases": config.n_cases}))


if __name__ == "__main__":
    run_job("study_cohort", chest_cohort)
