"""Simulate one virtual subject: CT, radiographs and DXA, and the truth apart from them."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.virtual.cohort import radiograph_rows, subject_row
from bmdpipe.virtual.subject import simulate_subject
from workflow_scripts.job import Job, Outcome, run_case


def simulate(job: Job, out: Path) -> Outcome:
    """The subject of the job's key; without a table row, the row that the config gives."""
    config = job.section("virtual", VirtualConfig)
    subject = job.keys["subject"]

    def folder(name: str) -> str:
        return str(job.at("simulate", subject=name))

    row = job.row.get("subject") or subject_row(config, subject, folder)
    radiographs = job.row.get("radiographs") or radiograph_rows(config, subject, folder)
    truth = simulate_subject(
        config,
        subject,
        out,
        annotated=bool(row["ct_labels"]),
        positionings=[r["positioning"] for r in radiographs],
    )
    values = {
        f"{quantity}_{side}": truth[quantity][side]
        for quantity in ("vbmd_mg_cm3", "abmd_g_cm2")
        for side in ("R", "L")
        if truth[quantity][side] is not None
    }
    return Outcome(Metrics(values=values))


if __name__ == "__main__":
    run_case("simulate", simulate)
