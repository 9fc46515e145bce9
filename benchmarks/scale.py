"""How the workflow grows with the cohort: DAG, job count, summary, report, tracking, memory.

`python benchmarks/scale.py dag 30 305 3000` builds the DAG of the paper's Table 2 for virtual
cohorts of these sizes in a dry run. `python benchmarks/scale.py zero 30 305` runs every job of such
a cohort with its work replaced by nothing, which is what the workflow itself costs.
`python benchmarks/scale.py collect RESULTS 30 305 3000` takes the finished cohort `test` of a
results folder, shows its subjects again and again under new names up to these sizes, and runs the
cohort's collecting scripts (summary, report, track) on them. Each ends with JSON: wall seconds,
peak memory, and the exponent of the growth (1: as the cohort).
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "rules", "workflow_scripts", "bmdpipe", "config")
NOTHING = (
    '"sleep 0; case {output} in *.json) echo {{}} > {output};; *) mkdir -p {output};; esac; '
    'touch {log}"'
)
TOTAL = re.compile(r"^total\s+(\d+)$", flags=re.M)
"""The last line of the job table: the DAG is ready, and a dry run goes on to print every job."""
PER_SUBJECT = ("import", "calibrate", "segment", "roi", "register", "project", "simulate")


def timed(
    command: Sequence[str], folder: Path, until: re.Pattern[str] | None = None
) -> dict[str, Any]:
    """Run a command, or stop it at the line `until`; its wall seconds, the peak memory of its
    largest process, and its output."""
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    lines, status = [], 0
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.decode())
            if until is not None and until.search(lines[-1]):
                process.kill()
                break
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        text = "".join(lines)
    if status not in (0, signal.SIGKILL):
        raise SystemExit(f"{' '.join(command)} failed:\n{text[-3000:]}")
    seconds = time.perf_counter() - start
    return {
        "wall_s": round(seconds, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
        "text": text,
    }


def checkout(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / part)
    return folder


def snakemake(n: int, *arguments: str) -> list[str]:
    python = [sys.executable, "-m", "snakemake", "--configfile", "config/paper.yaml"]
    size = f"virtual={{n_subjects: {n}}}"
    return [*python, "--config", size, *arguments]


def dag(sizes: Sequence[int], folder: Path) -> dict[int, dict[str, Any]]:
    result = {}
    for n in sizes:
        command = snakemake(n, "--cores", "1", "-n", "--quiet", "rules")
        ready = timed(command, checkout(folder / str(n)), until=TOTAL)
        total = TOTAL.search(ready.pop("text"))
        assert total is not None
        result[n] = {"jobs": int(total[1]), **ready}
        print(n, result[n], flush=True)
    return result


def zero(sizes: Sequence[int], folder: Path) -> dict[int, dict[str, Any]]:
    result = {}
    for n in sizes:
        root = checkout(folder / str(n))
        rules = root / "rules" / "common.smk"
        text = rules.read_text(encoding="utf-8")
        text = text.replace('    return " ".join(filter(None, parts))', f"    return {NOTHING}")
        rules.write_text(text, encoding="utf-8")
        row = timed(snakemake(n, "--cores", "2", "--quiet", "all", "--scheduler", "greedy"), root)
        jobs = sum(1 for _ in root.glob("results/paper/benchmarks/**/*.tsv"))
        row.pop("text")
        result[n] = {"jobs": jobs, **row, "per_job_s": round(row["wall_s"] / jobs, 3)}
        print(n, result[n], flush=True)
    return result


def collect(results: Path, sizes: Sequence[int], folder: Path) -> dict[int, dict[str, Any]]:
    """The collecting scripts on a cohort whose subjects are links to those of `results`."""
    config = yaml.safe_load((REPOSITORY / "config" / "test.yaml").read_text(encoding="utf-8"))
    finished = results.resolve() / "test"
    known = sorted(path.name for path in (finished / "import").iterdir() if path.is_dir())
    result = {}
    for n in sizes:
        root = folder / str(n)
        subjects = [f"V{number:05d}" for number in range(n)]
        cohort = root / "results" / "test"
        cohort.mkdir(parents=True)
        for stage in finished.iterdir():
            if stage.name in (*PER_SUBJECT, "benchmarks", "logs"):
                continue
            (cohort / stage.name).symlink_to(stage)
        for stage in PER_SUBJECT:
            (cohort / stage).mkdir()
            for number, subject in enumerate(subjects):
                (cohort / stage / subject).symlink_to(finished / stage / known[number % len(known)])
        for name in ("summary.json", "tracked.json", "report"):
            (cohort / name).unlink(missing_ok=True)
        sections = _sections(config)
        row_file = root / "subjects.json"
        row_file.write_text(json.dumps({"subjects": subjects}))
        result[n] = {}
        for script in ("summarise", "report", "track"):
            command = [sys.executable, "-m", f"workflow_scripts.{script}", "--root", "results"]
            command += [
                "--cohort",
                "test",
                "--config",
                json.dumps(sections),
                "--row",
                f"@{row_file}",
            ]
            row = timed(command, _linked(root))
            row.pop("text")
            result[n][script] = row
            print(n, script, row, flush=True)
    return result


def _sections(given: dict[str, Any]) -> dict[str, Any]:
    from bmdpipe.core.config.loading import parse_config

    return parse_config(given).model_dump(mode="json")


def _linked(root: Path) -> Path:
    for part in ("workflow_scripts", "bmdpipe"):
        if not (root / part).exists():
            (root / part).symlink_to(REPOSITORY / part)
    return root


def exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """Slope of the logarithms between the two largest sizes."""
    if len(points) < 2:
        return None
    (a, x), (b, y) = sorted(points)[-2:]
    return round(math.log(y / x) / math.log(b / a), 2)


def main(arguments: Sequence[str]) -> None:
    action, *rest = arguments
    results = Path(rest.pop(0)) if action == "collect" else None
    sizes = [int(size) for size in rest] or [30, 305, 3000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if results is not None:
            found: dict[int, Any] = collect(results, sizes, folder)
            growth = {
                script: exponent([(n, row[script]["wall_s"]) for n, row in found.items()])
                for script in ("summarise", "report", "track")
            }
        else:
            found = {"dag": dag, "zero": zero}[action](sizes, folder)
            growth = {
                key: exponent([(n, row[key]) for n, row in found.items()])
                for key in ("jobs", "wall_s", "cpu_s", "peak_mib")
            }
    print(json.dumps({"action": action, "sizes": found, "exponent": growth}))


if __name__ == "__main__":
    main(sys.argv[1:])
