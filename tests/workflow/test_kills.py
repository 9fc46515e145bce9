"""A run that is killed, again and again, ends in the same result once it is taken up again."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import Checkout

pytestmark = pytest.mark.workflow
LEARNED = ("train", "state", "predict", "evaluate", "explain", "report")
SINGLE = ("summary.json", "tracked.json")
RUN = ("-m", "snakemake", "--profile", "config/profiles/local", "--cores", "2")
CONFIG = ("--configfile", "config/test.yaml")
WHO = ("job", "driver", "group")


class Killed:
    """A checkout whose run is killed; `resume` is what `make resume` does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = os.environ | {"PYTHONPATH": str(root)}

    def start(self) -> subprocess.Popen[bytes]:
        self._wait(self._popen(*CONFIG, "--unlock"))
        return self._popen(*CONFIG)

    def finish(self) -> None:
        process = self.start()
        assert self._wait(process) == 0, (self.root / "driver.log").read_text()[-6000:]

    def kill(self, who: str, after_s: float) -> bool:
        """Kill one job, Snakemake alone or all of them; False if the run had ended before."""
        process = self.start()
        try:
            process.wait(timeout=after_s)
            return False
        except subprocess.TimeoutExpired:
            pass
        if who == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif who == "driver":
            process.kill()
        else:
            jobs = [p for p in _in_session(process.pid) if b"workflow_scripts." in _command(p)]
            for job in jobs[:1]:
                os.kill(job, signal.SIGKILL)
        self._wait(process)
        return True

    def _popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.root / "driver.log").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, *RUN, *arguments],
                cwd=self.root,
                env=self.environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @staticmethod
    def _wait(process: subprocess.Popen[bytes]) -> int:
        return process.wait(timeout=1800)


def _in_session(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(path.parent.name))
    return found


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def summary_of(root: Path) -> object:
    return json.loads((root / "results/test/summary.json").read_text(encoding="utf-8"))


def killed_copy(finished: Checkout, folder: Path, removed: tuple[str, ...]) -> Killed:
    root = Path(shutil.copytree(finished.root, folder / "killed", symlinks=True))
    for name in removed:
        shutil.rmtree(root / "results/test" / name, ignore_errors=True)
    for name in SINGLE:
        (root / "results/test" / name).unlink()
    return Killed(root)


def test_three_kills_of_what_is_learned(finished, tmp_path):
    """A job, the driver and the whole group, in a run from the trainings on."""
    run = killed_copy(finished, tmp_path, LEARNED)
    hit = [run.kill(who, after_s) for who, after_s in zip(WHO, (14.0, 22.0, 30.0), strict=True)]
    run.finish()
    assert any(hit)
    assert summary_of(run.root) == summary_of(finished.root)


@pytest.mark.long
def test_a_hundred_kills_of_everything(finished, tmp_path):
    random_of = random.Random(0)
    kills, rounds = 0, 0
    reference = summary_of(finished.root)
    while kills < 100:
        run = killed_copy(finished, tmp_path / str(rounds), ("import", "simulate", *LEARNED))
        while kills < 100 and run.kill(random_of.choice(WHO), random_of.uniform(8, 60)):
            kills += 1
        run.finish()
        assert summary_of(run.root) == reference
        shutil.rmtree(run.root)
        rounds += 1
    sys.stderr.write(f"{kills} kills in {rounds} runs\n")
