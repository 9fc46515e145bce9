"""A whole chest cohort on disk, one case in memory at a time."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numba

from bmdpipe.core.atomic import atomic_folder
from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.chest.cohort import chest_cases
from bmdpipe.virtual.chest.simulate import simulate_chest_case

log = logging.getLogger(__name__)


def write_chest_cohort(config: ChestConfig, folder: Path, processes: int = 1) -> None:
    """A folder per case; a case that is there already is kept, so that a killed run goes on. Cases
    are independent of each other: the number of processes changes nothing but the time."""
    cases = [str(row["case"]) for row in chest_cases(config)]
    write = partial(_write_case, config, folder)
    if processes == 1:
        for case in cases:
            write(case)
        return
    # The first one here: what it compiles the processes read, and do not compile each by itself.
    write(cases[0])
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_one_thread) as pool:
        for _ in pool.map(write, cases[1:], chunksize=4):
            pass


def _one_thread() -> None:
    """There is a process for each core: more threads would wait for each other and burn time."""
    numba.set_num_threads(1)


def _write_case(config: ChestConfig, folder: Path, case: str) -> None:
    start = time.perf_counter()
    if (folder / case).exists():
        return
    with atomic_folder(folder / case) as part:
        truth = simulate_chest_case(config, case, part)
    shown = ", ".join(truth["findings"]) or "healthy"
    log.info("%s: %s, %.1f s", case, shown, time.perf_counter() - start)
