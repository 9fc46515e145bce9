"""Write the virtual brain cohort: volumes, atlases, sites of atrophy, and the table of them."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.virtual.brain import BrainConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.virtual.brain.write import write_brain_cohort
from workflow_scripts.job import Job, Outcome, run_job


def brain_cohort(job: Job, out: Path) -> Outcome:
    config = job.section("brain", BrainConfig)
    write_brain_cohort(config, out)
    return Outcome(Metrics(params={"cases": config.n_cases}))


if __name__ == "__main__":
    run_job("study_cohort", brain_cohort)
