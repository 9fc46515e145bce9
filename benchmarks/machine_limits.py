"""What this machine can do at best: memory bandwidth and arithmetic, measured with numba."""

from __future__ import annotations

import time

import numba
import numpy as np

MEGABYTES = 256
CHAINS, LANES, ROUNDS = 12, 8, 1_500_000
TRIALS = 7


@numba.njit(parallel=True, fastmath=True, cache=True)
def _sum(array, parts):  # pragma: no cover - compiled
    """Read once, in as many stretches as there are threads."""
    sums = np.zeros(parts)
    length = array.size // parts
    for part in numba.prange(parts):
        stretch = array[part * length : (part + 1) * length]
        total = np.float32(0)
        for i in range(length):
            total += stretch[i]
        sums[part] = total
    return sums.sum()


@numba.njit(parallel=True, fastmath={"contract"}, cache=True)
def _multiply_add(parts, rounds, factor):  # pragma: no cover - compiled
    """Chains of dependent multiply-adds, enough of them side by side to fill the pipelines."""
    sums = np.zeros(parts)
    for part in numba.prange(parts):
        chain = np.ones(CHAINS * LANES, np.float32)
        for _ in range(rounds):
            for i in range(CHAINS * LANES):
                chain[i] = chain[i] * factor + factor
        sums[part] = chain.sum()
    return sums.sum()


def limits(threads: int) -> dict[str, float]:
    """`gb_per_s` read from memory and `gflop_per_s` in float32 (a multiply-add is two), best of
    several trials."""
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    array = np.ones(MEGABYTES * 2**18, np.float32)
    half = np.float32(0.5)
    _sum(array, threads)
    _multiply_add(threads, 1, half)
    read = min(_seconds(_sum, array, threads) for _ in range(TRIALS))
    worked = min(_seconds(_multiply_add, threads, ROUNDS, half) for _ in range(TRIALS))
    flop = 2.0 * threads * ROUNDS * CHAINS * LANES
    return {"gb_per_s": array.nbytes / read / 1e9, "gflop_per_s": flop / worked / 1e9}


def _seconds(run, *args) -> float:
    start = time.perf_counter()
    run(*args)
    return time.perf_counter() - start
