"""Start-up of every workflow script, beside bare imports of numpy and torch, in one run.

`python benchmarks/startup.py [repeats]` prints medians and ends with JSON: seconds, and the ratio
to a bare `import torch` where the script needs it and to `import numpy` where it does not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bmdpipe.core.provenance import import_closure

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow_scripts"
BARE = ("numpy", "torch")


def seconds(module: str) -> float:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)
    return time.perf_counter() - start


def needs_torch(module: str) -> bool:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    return subprocess.run([sys.executable, "-c", program], check=False).returncode == 1


def main(repeats: int) -> None:
    names = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "__init__")
    modules = [*BARE, *(f"workflow_scripts.{name}" for name in names)]
    taken: dict[str, list[float]] = {module: [] for module in modules}
    for module in modules:
        seconds(module)  # byte code and disk cache
    for _ in range(repeats):
        for module in modules:
            taken[module].append(seconds(module))
    medians = {module: statistics.median(times) for module, times in taken.items()}
    result = {}
    for module in modules[len(BARE) :]:
        bare = "torch" if needs_torch(module) else "numpy"
        result[module.split(".")[1]] = {
            "seconds": round(medians[module], 3),
            "over": bare,
            "ratio": round(medians[module] / medians[bare], 2),
            "modules": len(import_closure(module)),
        }
    for name, row in result.items():
        print(f"{name:20s} {row['seconds']:6.2f} s  {row['ratio']:5.2f} x import {row['over']}")
    print(json.dumps({"bare": {m: round(medians[m], 3) for m in BARE}, "scripts": result}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
