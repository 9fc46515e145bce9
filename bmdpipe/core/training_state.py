"""Folders for resuming trainings: kept until it is known that nobody will start them again.

A training that outlives its killed driver is started again, because the next driver has not heard
of its end; from its last state it takes no time. So a training marks its folder when it has ended,
and the driver drops what is marked once a run of its own has come to its end.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ENDED = "ended"


def mark_ended(folder: Path) -> None:
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ENDED).touch()


def drop_ended(states: Path) -> None:
    """Remove every folder two levels below `states` that is marked."""
    for mark in Path(states).glob(f"*/*/{ENDED}"):
        shutil.rmtree(mark.parent)
