"""Start-up of workflow scripts, beside bare imports of numpy and torch, in one run.

`python benchmarks/startup.py [repeats] [script ...]` imports each script (all, if none is named) in
a process of its own, prints the best of each, and ends with JSON: wall seconds, CPU seconds (user
and system, which a busy machine changes less), and the ratio of the latter to a bare `import torch`
where the script needs it and to `import numpy` where it does not.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bmdpipe.core.code import Code

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow_scripts"
BARE = ("numpy", "torch")


def seconds(module: str) -> tuple[float, float]:
    """Wall and CPU seconds of a process that imports a module."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def needs_torch(module: str) -> bool:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    return subprocess.run([sys.executable, "-c", program], check=False).returncode == 1


def main(repeats: int, chosen: Sequence[str]) -> None:
    names = chosen or sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "__init__")
    modules = [*BARE, *(f"workflow_scripts.{name}" for name in names)]
    taken: dict[str, list[tuple[float, float]]] = {module: [] for module in modules}
    for module in modules:
        seconds(module)  # byte code and disk cache
    for _ in range(repeats):
        for module in modules:
            taken[module].append(seconds(module))
    wall = {module: min(w for w, _ in times) for module, times in taken.items()}
    cpu = {module: min(c for _, c in times) for module, times in taken.items()}
    result, code = {}, Code()
    for module in modules[len(BARE) :]:
        bare = "torch" if needs_torch(module) else "numpy"
        result[module.split(".")[1]] = {
            "wall_s": round(wall[module], 3),
            "cpu_s": round(cpu[module], 3),
            "over": bare,
            "ratio": round(cpu[module] / cpu[bare], 2),
            "modules": len(code.closure(module)),
        }
    for name, row in result.items():
        print(
            f"{name:20s} {row['wall_s']:6.2f} s wall {row['cpu_s']:6.2f} s CPU"
            f"  {row['ratio']:5.2f} x import {row['over']}"
        )
    bare_cpu = {module: round(cpu[module], 3) for module in BARE}
    print(json.dumps({"bare_cpu_s": bare_cpu, "scripts": result}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2:])
