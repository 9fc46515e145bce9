"""Which cases were used, which were quarantined and why."""

from __future__ import annotations

from bmdpipe.core.codes import MEANING
from bmdpipe.core.records import Record, Refusal, read_record
from bmdpipe.report.jobs import Run


def records_of(run: Run, subject: str) -> dict[str, Record]:
    """A subject's record by stage, in the order of the stages."""
    return {stage: read_record(run.at(stage, subject=subject)) for stage in run.preparation}


def is_used(run: Run, subject: str) -> bool:
    """Whether a subject came through every stage up to its projections."""
    return read_record(run.at("project", subject=subject)).ok


def refusals(records: dict[str, Record]) -> list[Refusal]:
    """Every refusal of a subject or its parts, told once although later stages repeat it."""
    found: dict[Refusal, None] = {}
    for record in records.values():
        for refusal in (record.refusal, *record.parts):
            if refusal is not None:
                found[refusal] = None
    return list(found)


def quarantined(run: Run) -> list[dict[str, str]]:
    """A row per refused case of the cohort, with what its code means."""
    return [
        {
            "subject": subject,
            "case": refusal.case,
            "stage": refusal.stage,
            "code": refusal.code,
            "meaning": MEANING[refusal.code],
            "hint": refusal.hint,
        }
        for subject in run.subjects
        for refusal in refusals(records_of(run, subject))
    ]
