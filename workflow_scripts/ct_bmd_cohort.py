"""Write the virtual lumbar cohort: CT series, values, truth, and the table of them."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.virtual.lumbar.table import write_case_table
from bmdpipe.virtual.lumbar.write import write_lumbar_cohort
from workflow_scripts.job import Job, Outcome, run_job


def ct_bmd_cohort(job: Job, out: Path) -> Outcome:
    config = job.section("lumbar", LumbarConfig)
    write_lumbar_cohort(config, out)
    write_case_table(out, config, job.config["annotated"])
    return Outcome(Metrics(params={"cases": config.n_cases}))


if __name__ == "__main__":
    run_job("study_cohort", ct_bmd_cohort)
