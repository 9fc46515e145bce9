"""The only module that knows MLflow, which is imported when it is used.

Runs are found again by the tag `run_key`. One whose content has changed is replaced, because the
store keeps every value that was ever logged to a run and would draw old and new points together.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import only_writer
from bmdpipe.core.config.tracking import TrackingConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.core.provenance import canonical_json, digest, file_hash
from bmdpipe.report.tracked_runs import TrackedRun

RUN_KEY = "run_key"
CONTENT = "content"
PARENT = "mlflow.parentRunId"
KIND = "mlflow.experimentKind"
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
LONGEST_PARAM = 6000
ALLOWED = re.compile(r"[^\w\-. :/]")
RESEARCH = "For research only: not a medical device, not for diagnosis or treatment."
NOTES = {
    True: f"Virtual subjects, no patients: the results are no clinical evidence. {RESEARCH}",
    False: RESEARCH,
}
"""What a page says of its runs, by whether their subjects are virtual."""


def default_uri(root: str) -> str:
    """The sqlite store in a results folder."""
    return f"sqlite:///{root}/mlflow.db"


def artefact_location(root: str) -> str:
    """Where a store in a results folder keeps its copies."""
    return (Path(root).absolute() / "mlartifacts").as_uri()


def track_results(
    runs: Sequence[TrackedRun], experiment: str, root: str, config: TrackingConfig, virtual: bool
) -> dict[str, Any]:
    """Bring runs of a results folder into the store that the config names; what went where."""
    uri = config.uri or default_uri(root)
    location = None if config.uri else artefact_location(root)
    done = track(runs, experiment, uri, location, config.artefacts, NOTES[virtual])
    return {"uri": uri, "experiment": experiment, "runs": done}


def track(
    runs: Sequence[TrackedRun],
    experiment: str,
    uri: str,
    location: str | None,
    files: bool,
    note: str,
) -> dict[str, int]:
    """Bring runs into an MLflow experiment; returns how many were created, replaced, kept, removed.

    `location` is where artefacts go, None for the server's own choice; `note` is what the
    experiment's page says of it.
    """
    with _quiet(), _only_user(uri):
        store = _Store.open(uri, experiment, location, files)
        store.describe(note)
        for parent in runs:
            parent_id = store.put(parent, None)
            for child in parent.children:
                store.put(child, parent_id)
        store.remove_missing_children(runs)
    return dict(store.done)


@contextlib.contextmanager
def _only_user(uri: str) -> Iterator[None]:
    """Two cohorts that share a sqlite store take turns: creating its tables at once would fail."""
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///"):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(path):
        yield


def experiments_in(uri: str) -> dict[str, str]:
    """The experiments that were put into a store, each with its number there.

    Raises UsageError, with what to do, if this MLflow cannot open the store.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        with _quiet():
            found = MlflowClient(uri).search_experiments(order_by=["name"])
    except MlflowException as fault:
        if "out-of-date" in str(fault):
            raise UsageError(
                f"{uri} was written by an older MLflow; run 'mlflow db upgrade {uri}', "
                "or delete the file and run the workflow again"
            ) from None
        raise UsageError(f"{uri}: {str(fault).splitlines()[0]}") from None
    return {e.name: e.experiment_id for e in found if KIND in e.tags}


@dataclass
class _Store:
    """An experiment in the store, with the runs that were there before."""

    client: Any
    experiment_id: str
    files: bool
    known: dict[str, Any]
    done: Counter[str]

    @classmethod
    def open(cls, uri: str, experiment: str, location: str | None, files: bool) -> _Store:
        from mlflow.tracking import MlflowClient

        client = MlflowClient(uri)
        found = client.get_experiment_by_name(experiment)
        if found is not None and found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        identity = (
            found.experiment_id
            if found is not None
            else client.create_experiment(experiment, artifact_location=location)
        )
        known = {run.data.tags[RUN_KEY]: run for run in _all_runs(client, identity)}
        return cls(client, identity, files, known, Counter())

    def describe(self, note: str) -> None:
        """Say what the experiment is, and that its page is one of model training."""
        tags = {"mlflow.note.content": note, KIND: "custom_model_development"}
        for key, value in tags.items():
            self.client.set_experiment_tag(self.experiment_id, key, value)

    def put(self, run: TrackedRun, parent: str | None) -> str:
        """Create a run, or replace it if its content has changed; returns its identity."""
        content = _content(run, self.files)
        known = self.known.get(run.key)
        if known is not None and known.data.tags.get(CONTENT) == content:
            self.done["unchanged"] += 1
            if parent is not None and known.data.tags.get(PARENT) != parent:
                self.client.set_tag(known.info.run_id, PARENT, parent)
            return known.info.run_id
        if known is not None:
            self.client.delete_run(known.info.run_id)
        self.done["created" if known is None else "replaced"] += 1
        return self._create(run, parent, content)

    def remove_missing_children(self, runs: Sequence[TrackedRun]) -> None:
        """Delete the children of these parents that are no part of them any more."""
        wanted = {child.key for run in runs for child in run.children}
        parents = {run.key for run in runs}
        for key, known in self.known.items():
            if "/" in key and key.split("/")[0] in parents and key not in wanted:
                self.client.delete_run(known.info.run_id)
                self.done["removed"] += 1

    def _create(self, run: TrackedRun, parent: str | None, content: str) -> str:
        from mlflow.entities import Metric, Param, RunTag

        tags = {**run.tags, RUN_KEY: run.key, **({PARENT: parent} if parent else {})}
        now = int(time.time() * 1000)
        start_time = now - int(1000 * run.values.get("seconds", 0.0))
        made = self.client.create_run(self.experiment_id, start_time, tags, run.name)
        identity = made.info.run_id
        points = [(name, 0, value) for name, value in run.values.items() if name not in run.series]
        points += [(name, step, v) for name, line in run.series.items() for step, v in line]
        metrics = [Metric(_name(name), value, now, step) for name, step, value in points]
        params = [Param(_name(k), str(v)[:LONGEST_PARAM]) for k, v in sorted(run.params.items())]
        for path in run.files if self.files else ():
            self.client.log_artifact(identity, str(path), path.parent.name)
        for start in range(METRICS_PER_BATCH, len(metrics), METRICS_PER_BATCH):
            self.client.log_batch(identity, metrics[start : start + METRICS_PER_BATCH])
        for start in range(PARAMS_PER_BATCH, len(params), PARAMS_PER_BATCH):
            self.client.log_batch(identity, params=params[start : start + PARAMS_PER_BATCH])
        # The content tag comes last: a run that was cut off is replaced the next time.
        complete = [RunTag(CONTENT, content)]
        first = metrics[:METRICS_PER_BATCH], params[:PARAMS_PER_BATCH]
        self.client.log_batch(identity, *first, complete)
        self.client.set_terminated(identity, end_time=now)
        return identity


def _all_runs(client: Any, experiment_id: str) -> Iterator[Any]:
    """The runs that we put there; a person's own runs have no `run_key` and are left alone."""
    token = None
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        yield from (run for run in page if RUN_KEY in run.data.tags)
        token = page.token
        if not token:
            return


def _content(run: TrackedRun, files: bool) -> str:
    """Hash of everything that a run shows."""
    return digest(
        canonical_json(
            {
                "name": run.name,
                "params": dict(run.params),
                "values": dict(run.values),
                "series": {name: list(line) for name, line in run.series.items()},
                "tags": dict(run.tags),
                "files": [f"{p.parent.name}/{p.name} {file_hash([p])}" for p in run.files if files],
            }
        )
    )


def _name(name: str) -> str:
    """A metric or parameter name with only the characters that MLflow allows."""
    return ALLOWED.sub("_", name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No telemetry, and no talk of migrations or deprecated parts that the reader cannot act on."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    talkers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [talker.level for talker in talkers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401  (sets its loggers up, so that they can be quietened)

        for talker in talkers:
            talker.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for talker, level in zip(talkers, levels, strict=True):
                talker.setLevel(level)
