"""Seconds and peak memory of one virtual subject: of the demo, and at the size of real images.

`python benchmarks/simulate.py [repeats]` prints a line per case and ends with JSON. Each run is a
process of its own that may use two threads and is kept on two cores; the first, which compiles, is
not counted. Limits: 20 s for the demo's subject, 90 s and 3 GB at full size.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[1] / "config"
CASES = {"demo": "demo.yaml", "full": "virtual305.yaml"}
LIMIT_SECONDS = {"demo": 20.0, "full": 90.0}
LIMIT_GB = 3.0
CORES = 2


def simulate_once(config_path: Path) -> None:
    """In a process of its own: simulate the first subject, print seconds and peak memory."""
    from bmdpipe.core.config.loading import load_config
    from bmdpipe.virtual.cohort import radiograph_rows, subject_name
    from bmdpipe.virtual.subject import simulate_subject

    config = load_config(config_path).virtual
    subject = subject_name(config, 1)
    positionings = [row["positioning"] for row in radiograph_rows(config, subject, str)]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        simulate_subject(config, subject, Path(folder), True, positionings)
        seconds = time.perf_counter() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({"seconds": seconds, "peak_gb": peak_gb}))


def measured(config_path: Path) -> dict[str, float]:
    environment = os.environ | {"OMP_NUM_THREADS": str(CORES), "NUMBA_NUM_THREADS": str(CORES)}
    done = subprocess.run(
        [sys.executable, __file__, "--once", str(config_path)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main(repeats: int) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    result = {}
    for name, file in CASES.items():
        measured(CONFIGS / file)
        runs = [measured(CONFIGS / file) for _ in range(repeats)]
        seconds = statistics.median(run["seconds"] for run in runs)
        peak = max(run["peak_gb"] for run in runs)
        result[name] = {
            "seconds": round(seconds, 2),
            "share_of_limit": round(seconds / LIMIT_SECONDS[name], 2),
            "peak_gb": round(peak, 2),
            "share_of_memory_limit": round(peak / LIMIT_GB, 2),
        }
        print(f"{name:5s} {seconds:6.1f} s of {LIMIT_SECONDS[name]:.0f} s, {peak:.2f} GB of 3 GB")
    print(json.dumps({"cores": CORES, "repeats": repeats, "cases": result}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        simulate_once(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
