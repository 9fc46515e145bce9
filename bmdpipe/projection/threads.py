"""How many threads a projection may use."""

from __future__ import annotations

import os


def allowed_threads(threads: int | None = None) -> int:
    """The given number; else NUMBA_NUM_THREADS or OMP_NUM_THREADS; else the cores of this process.

    Raises ValueError if it is not a positive number.
    """
    if threads is None:
        for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
            if os.environ.get(name):
                return allowed_threads(int(os.environ[name]))
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    return threads
