"""The frame that every workflow script runs in: arguments, log, quarantine, record, metrics.

A rule calls `python -m workflow_scripts.<stage>` with where the cohort's results lie, the keys of
its wildcards, its config sections and its row of the cohort tables as JSON. Paths come from the
same `Layout` as the rule's inputs and outputs. The stage's folder appears whole or not at all.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bmdpipe.core.atomic import atomic_folder, only_writer, read_json, write_json
from bmdpipe.core.config.base import Section
from bmdpipe.core.errors import CaseError, CaseWarning, UsageError
from bmdpipe.core.files import MANIFEST
from bmdpipe.core.interrupt import EXIT_CODE, Terminated, terminable
from bmdpipe.core.layout import STAGES, Layout
from bmdpipe.core.metrics import Metrics, write_metrics
from bmdpipe.core.provenance import canonical_json, digest
from bmdpipe.core.records import Record, Refusal, read_record, write_record
from bmdpipe.core.slurm import requeue_if_preempted

log = logging.getLogger("bmdpipe")
SectionT = TypeVar("SectionT", bound=Section)


@dataclass(frozen=True)
class Job:
    """One job: `keys` are its wildcards, `config` its sections, `row` its table row."""

    stage: str
    layout: Layout
    keys: dict[str, str]
    config: dict[str, Any]
    row: dict[str, Any]
    threads: int
    code: str

    @property
    def out(self) -> Path:
        return self.at(self.stage)

    def at(self, stage: str, **keys: str | int) -> Path:
        """The folder of a stage, for this job's own keys unless others are given."""
        own = {k: v for k, v in self.keys.items() if "{" + k + "}" in STAGES[stage]}
        return Path(self.layout.at(stage, **{**own, **keys}))

    def section(self, name: str, model: type[SectionT]) -> SectionT:
        """A section of the config, validated."""
        return model.model_validate(self.config[name])

    def state(self, *sources: str) -> Path:
        """An undeclared folder for resuming, keyed by config, code, keys and data `sources`."""
        key = digest(canonical_json([self.stage, self.keys, self.config, self.code, *sources]))
        return Path(self.layout.state) / self.stage / key


@dataclass(frozen=True)
class Outcome:
    """What a stage reports beside the files it left."""

    metrics: Metrics = field(default_factory=Metrics)
    warnings: tuple[CaseWarning, ...] = ()
    parts: tuple[Refusal, ...] = ()


Work = Callable[[Job, Path], Outcome]


def run_case(stage: str, work: Work, needs: Iterable[str] = ()) -> None:
    """Run a per-subject stage. A `CaseError`, or a stage in `needs` that quarantined the subject,
    quarantines it here: the job succeeds, the record says why, the cohort goes on."""

    def guarded(job: Job, out: Path) -> Outcome:
        case = job.keys["subject"]
        refusal = next((r for s in needs if (r := read_record(job.at(s)).refusal)), None)
        outcome = Outcome()
        if refusal is None:
            try:
                outcome = work(job, out)
            except CaseError as error:
                refusal = Refusal.of(error, stage)
        if refusal is not None:
            log.warning(
                "quarantined: %s %s (%s) %s", refusal.code, case, refusal.stage, refusal.hint
            )
        for part in outcome.parts:
            log.warning("left out: %s %s: %s", part.code, part.case, part.hint)
        for warning in outcome.warnings:
            log.warning("%s %s", warning.code, warning.text)
        write_record(out, Record(stage, case, refusal, outcome.parts, outcome.warnings))
        return outcome

    run_job(stage, guarded)


def run_job(stage: str, work: Work) -> None:
    """Run any stage: `work` fills a folder that then becomes the stage's output."""
    with _running(stage) as job, only_writer(job.out), atomic_folder(job.out) as out:
        outcome = work(job, out)
        write_metrics(out, outcome.metrics)
        write_json(
            out / MANIFEST,
            {"stage": stage, "keys": job.keys, "config": job.config, "code": job.code},
        )


def run_file(stage: str, work: Callable[[Job], Any]) -> None:
    """Run a stage whose output is one JSON file: what `work` returns."""
    with _running(stage) as job, only_writer(job.out):
        write_json(job.out, work(job))


@contextmanager
def _running(stage: str) -> Iterator[Job]:
    """The job that the arguments describe, with log and time; a fault of use exits with 2, SIGTERM
    with 143 once the job has kept its state and cleaned up, and SLURM has it in its queue again if
    SLURM itself is taking it away."""
    job = _parse(stage)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    start = time.perf_counter()
    log.info("%s %s", stage, " ".join(f"{k}={v}" for k, v in job.keys.items()))
    try:
        with terminable():
            yield job
    except Terminated:
        back = ", and back in SLURM's queue" if requeue_if_preempted() else ""
        log.warning("terminated after %.1f s%s", time.perf_counter() - start, back)
        raise SystemExit(EXIT_CODE) from None
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    log.info("done in %.1f s", time.perf_counter() - start)


def _row(text: str) -> Any:
    return read_json(Path(text[1:])) if text.startswith("@") else json.loads(text)


def _parse(stage: str) -> Job:
    parser = argparse.ArgumentParser(prog=f"python -m workflow_scripts.{stage}")
    parser.add_argument("--root", required=True, help="the results folder")
    parser.add_argument("--cohort", required=True)
    parser.add_argument("--key", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--config", type=json.loads, default={}, help="config sections as JSON")
    parser.add_argument(
        "--row", type=_row, default={}, help="rows of the cohort tables: JSON, or @ and its file"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--code", default="", help="hash of the code, for the manifest")
    args = parser.parse_args()
    return Job(
        stage=stage,
        layout=Layout(args.root, args.cohort),
        keys=dict(pair.split("=", 1) for pair in args.key),
        config=args.config,
        row=args.row,
        threads=args.threads,
        code=args.code,
    )
