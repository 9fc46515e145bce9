"""Many jobs that record at once lose nothing and double nothing, whatever store they end up in."""

from __future__ import annotations

import multiprocessing
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bmdpipe.core.metrics import Metrics, read_metrics, write_metrics
from bmdpipe.report.tracked_runs import TrackedRun
from bmdpipe.report.tracking import artefact_location, default_uri, track

JOBS, POINTS = 64, 150
pytest.importorskip("mlflow")


def at_once(works: Sequence[Callable[[], None]]) -> list[int | None]:
    """Run each in a process of its own, all from the same moment; their exit codes."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(len(works))

    def child(work: Callable[[], None]) -> None:
        start.wait()
        work()

    processes = [context.Process(target=child, args=(work,)) for work in works]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=300)
    return [process.exitcode for process in processes]


def record(folder: Path, job: int) -> None:
    folder.mkdir(parents=True)
    curve = [(step, job + step / 1000) for step in range(POINTS)]
    write_metrics(folder, Metrics({"job": job}, {"last": float(job)}, {"loss": curve}))


def runs_of(folder: Path, name: str = "all") -> list[TrackedRun]:
    children = []
    for job in range(JOBS):
        found = read_metrics(folder / f"job{job}")
        children.append(
            TrackedRun(f"{name}/job{job}", f"job{job}", found.params, found.values, found.series)
        )
    return [TrackedRun(name, name, {}, {"jobs": float(JOBS)}, children=tuple(children))]


def stored(database: Path) -> tuple[int, int, list[tuple[str, int, float]]]:
    """Active runs, points, and every run's own last value by its name."""
    with closing(sqlite3.connect(database)) as store:
        (n_runs,) = store.execute(
            "select count(*) from runs where lifecycle_stage = 'active'"
        ).fetchone()
        (points,) = store.execute(
            "select count(*) from metrics m join runs r using (run_uuid)"
            " where m.key = 'loss' and r.lifecycle_stage = 'active'"
        ).fetchone()
        last = store.execute(
            "select r.name, p.value, m.value from runs r join params p using (run_uuid)"
            " join latest_metrics m using (run_uuid) where p.key = 'job' and m.key = 'last'"
            " and r.lifecycle_stage = 'active' order by m.value"
        ).fetchall()
    return n_runs, points, last


EXPECTED = (
    JOBS + 1,
    JOBS * POINTS,
    [(f"job{job}", str(job), float(job)) for job in range(JOBS)],
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("jobs")
    works = [lambda job=job: record(folder / f"job{job}", job) for job in range(JOBS)]
    assert at_once(works) == [0] * JOBS
    return folder


def test_64_jobs_lose_nothing_and_a_deleted_store_comes_back(recorded, tmp_path):
    """In processes of their own, as the workflow does it: MLflow keeps a store open."""
    uri, place = default_uri(str(tmp_path)), artefact_location(str(tmp_path))
    database = tmp_path / "mlflow.db"

    def bring() -> None:
        track(runs_of(recorded), "many", uri, place, True, "")

    assert at_once([bring]) == [0]
    assert stored(database) == EXPECTED
    assert at_once([bring]) == [0]
    assert stored(database) == EXPECTED
    database.unlink()
    assert at_once([bring]) == [0]
    assert stored(database) == EXPECTED


def test_cohorts_that_track_at_once_into_a_fresh_store(recorded, tmp_path):
    uri, place = default_uri(str(tmp_path)), artefact_location(str(tmp_path))
    whole = [runs_of(recorded, f"cohort{n}")[0] for n in range(4)]
    few = [replace(run, children=run.children[:4]) for run in whole]
    works = [lambda run=run: track([run], run.name, uri, place, True, "") for run in few]
    assert at_once(works) == [0] * len(few)
    n_runs, points, _ = stored(tmp_path / "mlflow.db")
    assert (n_runs, points) == (4 * 5, 4 * 4 * POINTS)


@pytest.mark.long
def test_a_tracking_server_instead_of_the_file(recorded, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "artefacts")]
    with (tmp_path / "server.log").open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, cwd=tmp_path)
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_for(f"{uri}/health")
        track(runs_of(recorded), "many", uri, None, True, "")
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert stored(tmp_path / "server.db") == EXPECTED


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
