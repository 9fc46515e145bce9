"""Kills a run of the workflow at random moments, and watches what its trainings lose by it."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

RUN = ("-m", "snakemake", "--profile", "config/profiles/local", "--cores", "2")
CONFIG = ("--configfile", "config/test.yaml")
TIMEOUT_S = 2400
EPOCH = re.compile(r" (\w+) (?:(\w+) )?epoch (\d+)(?:/| of )\d+")


@dataclass(frozen=True)
class Plan:
    """Kills of one start of the driver: so many jobs, one after the other, and then `ending`, which
    is Snakemake alone (`driver`) or all of it (`group`). Seconds between them are exponential."""

    jobs: int
    ending: str
    mean_s: float


@dataclass(frozen=True)
class Hit:
    """A kill: of a `job`, the `driver` or the `group`, and the stages whose jobs were running (of
    a job that was killed: its own)."""

    who: str
    stages: tuple[str, ...]


class Killed:
    """A checkout whose run is killed. Every start is what `make resume` does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.over = False
        self._spared: set[int] = set()

    def finish(self) -> None:
        process = self._start()
        code = process.wait(timeout=TIMEOUT_S)
        assert code == 0, (self.root / "driver.log").read_text()[-6000:]

    def kill(self, plan: Plan, chance: random.Random) -> list[Hit]:
        """Start and kill as planned; what was hit before this start had come to its end. `over`
        says whether that was the end of the run."""
        process, hits = self._start(), list[Hit]()
        for who in (*["job"] * plan.jobs, plan.ending):
            if self._a_job_of(process) is None:
                break
            time.sleep(chance.expovariate(1.0 / plan.mean_s))
            job = self._a_job_of(process)
            if job is None:
                break
            running = [job] if who == "job" else _jobs(process.pid)
            hits.append(Hit(who, tuple(sorted(filter(None, map(_stage, running))))))
            if who == "group":
                os.killpg(process.pid, signal.SIGKILL)
            elif who == "driver":
                process.kill()
            else:
                os.kill(job, signal.SIGKILL)
                self._spared.add(job)
        self.over = process.wait(timeout=TIMEOUT_S) == 0
        return hits

    def _start(self) -> subprocess.Popen[bytes]:
        if any((self.root / ".snakemake" / "locks").glob("*")):
            assert self._popen(*CONFIG, "--unlock").wait(timeout=TIMEOUT_S) == 0
        return self._popen(*CONFIG)

    def _popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.root / "driver.log").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, *RUN, *arguments],
                cwd=self.root,
                env=os.environ | {"PYTHONPATH": str(self.root)},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _a_job_of(self, process: subprocess.Popen[bytes]) -> int | None:
        """The job that was started last and has not been killed; waits for one; None at the end."""
        while process.poll() is None:
            if jobs := set(_jobs(process.pid)) - self._spared:
                return max(jobs)
            time.sleep(0.2)
        return None


class Epochs:
    """The epochs that the trainings' logs tell of, from one start to the next: how many were lost
    at most by a kill, and how many trainings were taken up after their first epoch."""

    def __init__(self, logs: Path) -> None:
        self.most_lost = 0
        self.taken_up = 0
        self._logs = logs
        self._told: dict[Path, str] = {}
        self._reached: dict[tuple[Path, str], int] = {}

    def look(self) -> None:
        """Compare each log that a new start has begun with what the last one had reached."""
        for path in sorted(self._logs.glob("**/*.log")):
            text = path.read_text(encoding="utf-8")
            found: dict[str, list[int]] = {}
            for level, name, number in EPOCH.findall(text):
                found.setdefault(name or level, []).append(int(number))
            opening = text.partition("\n")[0]
            for name, numbers in found.items():
                key = (path, name)
                reached = self._reached.get(key, 0)
                if opening != self._told.get(path):
                    self.most_lost = max(self.most_lost, reached - numbers[0] + 1)
                    self.taken_up += numbers[0] > 1
                self._reached[key] = max(reached, *numbers)
            self._told[path] = opening


def _jobs(session: int) -> list[int]:
    """Processes of a session that are a job: not the shell around it, nor the child that it has for
    foreign files, whose end is taken for that of a decoder."""
    found = {p: command for p in _in_session(session) if _is_job(command := _command(p))}
    return [p for p in found if _parent(p) not in found]


def _stage(process: int) -> str | None:
    """The script that a job runs; None if it has ended."""
    command = _command(process)
    return command[2].decode().removeprefix("workflow_scripts.") if _is_job(command) else None


def _is_job(command: list[bytes]) -> bool:
    return len(command) > 2 and command[1] == b"-m" and command[2].startswith(b"workflow_scripts.")


def _in_session(leader: int) -> list[int]:
    names = (path.name for path in Path("/proc").iterdir() if path.name.isdigit())
    return [int(name) for name in names if _status(int(name))[3:4] == [str(leader)]]


def _parent(process: int) -> int:
    return int((_status(process)[1:2] or ["0"])[0])


def _status(process: int) -> list[str]:
    """State, parent, group, session and more of a process; empty if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return fields.rpartition(")")[2].split()


def _command(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
