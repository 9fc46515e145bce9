"""What a job asks of SLURM itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

PREEMPTED = re.compile(r"\bPreemptTime=(?!None\b)\S")
PATIENCE_S = 15


def requeue_if_preempted() -> bool:
    """Put this process's job back into SLURM's queue, if SLURM is preempting it; whether it did.

    A preempted job that leaves by itself within its partition's grace period counts as failed, and
    SLURM does not start it again. A job that somebody cancelled is left alone, and one whose
    controller does not answer leaves as it would have.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or shutil.which("scontrol") is None:
        return False
    try:
        told = _scontrol("show", "job", "--oneliner", job)
        return bool(PREEMPTED.search(told.stdout)) and _scontrol("requeue", job).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _scontrol(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scontrol", *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
