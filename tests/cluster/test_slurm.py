"""The `test` config through `snakemake --profile slurm-gpu` on a real SLURM that loses a node.

Run by `make test-cluster`, as root, on a machine with Debian's SLURM packages.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.slurm import NoCluster, Slurm
from tests.workflow.conftest import copy_of_repository

pytestmark = pytest.mark.cluster

# Trainings that are long enough to be preempted after their first epochs.
LONGER = "training={conventional: {epochs: 400}}"
CONFIG = ("--configfile", "config/test.yaml", "--config", LONGER)
# Small enough that there are several jobs to lose, and quick to notice that one has ended.
SPEED = (
    *("--jobs", "3", "--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "3"),
    *("--group-components", "prepare=2", "segment=3", "locate=2", "project=6"),
)
RUN_TIMEOUT_S = 3600
COLUMNS = "JobID,Partition,State,ReqTRES%48,NodeList,Elapsed,Comment%44"
GPU_RULES = ("segment_train", "project", "train_stage_one", "train_conventional")


@dataclass
class Troubles:
    """What goes wrong on the way, each once, as soon as there is something to hit."""

    cluster: Slurm
    logs: Path
    done: dict[str, str] = field(default_factory=dict)

    def step(self) -> None:
        """Look at the queue once and do what can be done."""
        for name, hit in (
            ("node", self._node),
            ("cancel", self._cancel),
            ("preempt", self._urgent),
        ):
            if name not in self.done and (job := hit()):
                self.done[name] = job
        if "node" in self.done and "restart" not in self.done and self._given_up("c1"):
            self.cluster.start_node("c1")
            self.done["restart"] = "c1"

    def _running(self, *selection: str) -> list[str]:
        told = self.cluster.told("squeue", "-h", "-t", "R", "-o", "%A %M %k", *selection)
        # A job that has just been started has nothing to lose yet.
        return [r for r in told.splitlines() if r.split()[1] >= "0:05"]

    def _given_up(self, node: str) -> bool:
        """Whether SLURM has taken a node's jobs back; sinfo may go on to call it "mixed"."""
        return not self.cluster.told("squeue", "-h", "-t", "R", "-w", node)

    def _node(self) -> str:
        rows = self._running("-w", "c1")
        if rows:
            self.cluster.kill_node("c1")
        return rows[0] if rows else ""

    def _cancel(self) -> str:
        rows = self._running("-p", "cpu")
        if not rows or "restart" not in self.done:
            return ""
        self.cluster.told("scancel", rows[0].split()[0])
        return rows[0]

    def _urgent(self) -> str:
        rows = [r for r in self._running("-p", "gpu") if "rule_train_conventional" in r]
        row = next((r for r in rows if " epoch " in self.log_of(r)), "")
        if row:
            command = ("sbatch", "-p", "urgent", "--gpus=2", "-t", "2", "-o", "/dev/null")
            self.cluster.told(*command, "--wrap", "sleep 5")
        return row

    def log_of(self, row: str) -> str:
        """What a job of the conventional training has logged, by its row in the queue."""
        target, fold = row.split("_")[-2:]
        path = self.logs / "train/conventional/conventional" / target / f"fold{fold}.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    slurm = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        slurm.start()
        yield slurm
    except NoCluster as reason:
        pytest.fail(str(reason))
    finally:
        slurm.stop()


@pytest.fixture(scope="module")
def local_result(tmp_path_factory):
    """What the same config gives on this machine without a scheduler.

    BMDPIPE_FINISHED may name a checkout that holds it already.
    """
    if done_before := os.environ.get("BMDPIPE_FINISHED"):
        return summary_of(Path(done_before))
    checkout = copy_of_repository(tmp_path_factory.mktemp("local"))
    done = checkout.snakemake("--profile", "config/profiles/local", *CONFIG)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return summary_of(checkout.root)


@pytest.fixture(scope="module")
def on_slurm(cluster, tmp_path_factory):
    """A run on the cluster: its folder, the troubles that were made, and SLURM's own job table."""
    checkout = copy_of_repository(tmp_path_factory.mktemp("cluster"))
    (checkout.root / "slurm-gpu").symlink_to("config/profiles/slurm-gpu")
    troubles = Troubles(cluster, checkout.root / "results/test/logs")
    log = checkout.root / "driver.log"
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm-gpu", *CONFIG, *SPEED]
    code = _run(command, checkout.root, cluster.environment, log, troubles.step)
    table = cluster.told("sacct", "-D", "-X", "-P", f"--format={_plain(COLUMNS)}")
    sys.stderr.write(cluster.told("sacct", "-D", "-X", f"--format={COLUMNS}") + "\n")
    assert code == 0, log.read_text()[-6000:]
    return checkout.root, troubles, [row.split("|") for row in table.splitlines()[1:]]


def test_the_result_is_that_of_a_local_run(on_slurm, local_result):
    root, _, _ = on_slurm
    assert summary_of(root) == local_result


def test_a_node_was_lost_a_job_cancelled_and_a_training_preempted(on_slurm):
    _, troubles, table = on_slurm
    done = troubles.done
    assert set(done) == {"node", "restart", "cancel", "preempt"}
    for name, states in (
        ("node", {"NODE_FAIL", "REQUEUED"}),
        ("cancel", {"CANCELLED"}),
        ("preempt", {"PREEMPTED", "REQUEUED"}),
    ):
        job = done[name].split()[0]
        found = {row[2].split()[0] for row in table if row[0] == job}
        assert found & states, f"{name}: job {job} has {found}"


def test_the_preempted_training_went_on_where_it_was(on_slurm):
    _, troubles, _ = on_slurm
    assert "resumes after epoch" in troubles.log_of(troubles.done["preempt"])


def test_what_computes_on_gpus_asked_slurm_for_one(on_slurm):
    _, _, table = on_slurm
    for rule in GPU_RULES:
        asked = [row for row in table if f"_{rule}" in row[6]]
        assert asked, f"{rule} did not run on SLURM"
        assert all("gres/gpu=1" in row[3] and row[1] == "gpu" for row in asked), asked
    others = [row for row in table if "_prepare" in row[6] or "_pairs" in row[6]]
    assert others
    assert not any("gpu" in row[3] for row in others)


def test_every_job_left_its_log_where_the_report_looks(on_slurm):
    root, _, _ = on_slurm
    logs = {p.relative_to(root / "results/test/logs") for p in root.glob("results/test/logs/**/*")}
    registered = {path.name for path in root.glob("results/test/register/*") if path.is_dir()}
    assert {Path("pairs.log"), Path("report.log")} <= logs
    assert {p.stem for p in logs if p.parent == Path("register")} == registered


def summary_of(root: Path) -> object:
    return json.loads((root / "results/test/summary.json").read_text(encoding="utf-8"))


def _plain(columns: str) -> str:
    return ",".join(column.split("%")[0] for column in columns.split(","))


def _run(
    command: list[str], folder: Path, environment: dict[str, str], log: Path, watch: Callable
) -> int:
    """Run a command to its end, with `watch` called every second."""
    environment = environment | {"PYTHONPATH": str(folder)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while process.poll() is None:
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGTERM)
        watch()
        time.sleep(1)
    return process.returncode
