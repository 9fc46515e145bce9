"""SIGTERM as an exception, so that a job that SLURM takes away leaves its state and cleans up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM


class Terminated(BaseException):
    """Somebody sent SIGTERM; after a grace period SIGKILL follows.

    It is no Exception, so that nothing that handles faults takes it for one.
    """


@contextmanager
def terminable() -> Iterator[None]:
    """Within, SIGTERM raises Terminated in the main thread."""
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Terminated
