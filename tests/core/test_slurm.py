"""A job that SLURM preempts asks to be started again; no other does."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmdpipe.core import slurm
from bmdpipe.core.slurm import requeue_if_preempted

# As SLURM 22.05 writes it.
SHOWN = "JobId=7 JobName=x JobState=RUNNING PreemptEligibleTime=2026-11-21T19:15:09 PreemptTime={}"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a `scontrol` on the path that tells of a job and notes what it was asked."""

    def put(preempt_time: str, requeues: int = 0):
        notes, program = tmp_path / "asked", tmp_path / "scontrol"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {notes}\necho "{SHOWN.format(preempt_time)}"\n'
            f'[ "$1" = show ] || exit {requeues}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        return lambda: notes.read_text().splitlines() if notes.exists() else []

    return put


def test_a_preempted_job_goes_back_into_the_queue(asked) -> None:
    notes = asked("2026-11-21T19:15:14")
    assert requeue_if_preempted()
    assert notes() == ["show job --oneliner 7", "requeue 7"]


def test_a_cancelled_job_does_not(asked) -> None:
    notes = asked("None")
    assert not requeue_if_preempted()
    assert notes() == ["show job --oneliner 7"]


def test_a_site_that_forbids_it_is_told_apart(asked) -> None:
    asked("2026-11-21T19:15:14", requeues=1)
    assert not requeue_if_preempted()


def test_a_controller_that_does_not_answer_is_not_waited_for(
    asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked("2026-11-21T19:15:14")
    (tmp_path / "scontrol").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(slurm, "PATIENCE_S", 0.2)
    assert not requeue_if_preempted()


def test_nothing_is_asked_outside_slurm(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = asked("2026-11-21T19:15:14")
    monkeypatch.delenv("SLURM_JOB_ID")
    assert not requeue_if_preempted()
    assert notes() == []
