"""What is brought into the tracking store: parents with their children, one nesting level.

A parent is an experiment or the preparation of the cohort; its children are the folds' jobs, or the
stages over subjects. Nothing here knows the store.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmdpipe.core.files import MANIFEST
from bmdpipe.core.metrics import METRICS, Metrics, Scalar, read_metrics
from bmdpipe.report.cases import is_used
from bmdpipe.report.jobs import FoldJob, Run
from bmdpipe.report.stage_statistics import values_by_subject
from bmdpipe.report.summary import STUDY
from bmdpipe.report.timing import seconds_of

PREPARATION_RUN = "preparation"
PREPARATION_KEY = "_preparation"
"""No experiment's name starts with an underscore, so the keys never meet."""
PER_METRIC = {
    "fold_mean": "folds/{}_mean",
    "fold_sd": "folds/{}_sd",
    "ci_low": "interval/{}_low",
    "ci_high": "interval/{}_high",
}
"""The page of the store groups charts by what stands before the slash."""
Series = Mapping[str, Sequence[tuple[int, float]]]


@dataclass(frozen=True)
class TrackedRun:
    """A run in the store. `key` names it for ever; `files` are copied beside it."""

    key: str
    name: str
    params: Mapping[str, Scalar]
    values: Mapping[str, float]
    series: Series = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    children: tuple[TrackedRun, ...] = ()


def tracked_runs(run: Run, summary: Mapping[str, Any]) -> list[TrackedRun]:
    """Every parent of a cohort with its children."""
    experiments = [_experiment(run, name, summary) for name in run.study.experiments]
    return [_preparation(run, summary), *experiments]


def _experiment(run: Run, name: str, summary: Mapping[str, Any]) -> TrackedRun:
    params = _params(run, name)
    children = [_fold_job(job, name, params, run) for job in run.jobs_of(name)]
    evaluate, explain = (run.at(stage, experiment=name) for stage in ("evaluate", "explain"))
    folders = [evaluate, *([explain] if (explain / METRICS).exists() else [])]
    targets = summary["studies"][STUDY]["experiments"][name]["targets"]
    return TrackedRun(
        key=name,
        name=name,
        params=params,
        values=metrics_of_targets(targets),
        files=tuple(path for folder in folders for path in artefacts_of(folder)),
        tags={"stage": "experiment", "experiment": name, **_provenance(summary)},
        children=tuple(children),
    )


def metrics_of_targets(targets: Mapping[str, Any]) -> dict[str, float]:
    """`dxa_pcc`, `dxa_projection_pcc`, `interval/dxa_pcc_low`, ... from an experiment's summary."""
    values: dict[str, float] = {}
    for target, result in targets.items():
        for prefix, group in ((target, "metrics"), (f"{target}_projection", "true_projection")):
            for metric, entry in (result.get(group) or {}).items():
                name = f"{prefix}_{metric}"
                values[name] = entry["value"]
                for part, pattern in PER_METRIC.items():
                    if part in entry:
                        values[pattern.format(name)] = entry[part]
    return values


def _params(run: Run, name: str) -> dict[str, Scalar]:
    """The choices that tell experiments apart; they stand on parent and children alike."""
    plan = run.study.experiments[name]
    params: dict[str, Scalar] = {
        "cohort": run.layout.cohort,
        "experiment": name,
        "method": plan.method,
        "positionings": " ".join(plan.positionings),
        "n_folds": run.n_folds,
        "n_subjects": len(run.subjects),
    }
    if plan.method == "regression":
        params["encoder"] = plan.encoder
    if plan.decomposer is not None:
        decomposer = run.study.decomposers[plan.decomposer]
        params["decomposer"] = plan.decomposer
        for key, value in decomposer.model_dump(mode="json").items():
            text = " ".join(value) if isinstance(value, list) else value
            params[f"decomposer.{key}"] = text
    return params


def _fold_job(job: FoldJob, experiment: str, params: Mapping[str, Scalar], run: Run) -> TrackedRun:
    found = read_metrics(job.folder)
    own: dict[str, Scalar] = {"fold": job.fold, "stage": job.stage}
    if job.target is not None:
        own["target"] = job.target
    return TrackedRun(
        key=f"{experiment}/{job.name}",
        name=job.name,
        params={**found.params, **params, **own},
        values=_with_seconds(found, run, job.folder),
        series=found.series,
        files=tuple(artefacts_of(job.folder)),
        tags={"stage": job.stage, "experiment": experiment, "fold": str(job.fold)},
    )


def _preparation(run: Run, summary: Mapping[str, Any]) -> TrackedRun:
    params: dict[str, Scalar] = {"cohort": run.layout.cohort, "n_subjects": len(run.subjects)}
    used = sum(is_used(run, subject) for subject in run.subjects)
    children = [_subject_stage(run, stage, params) for stage in run.subject_stages]
    children += _cohort_jobs(run, params)
    return TrackedRun(
        key=PREPARATION_KEY,
        name=PREPARATION_RUN,
        params=params,
        values={"subjects_used": float(used), "quarantined": float(len(summary["quarantined"]))},
        tags={"stage": PREPARATION_RUN, **_provenance(summary)},
        children=tuple(children),
    )


def _subject_stage(run: Run, stage: str, params: Mapping[str, Scalar]) -> TrackedRun:
    """A stage over subjects: `mean/` and `median/` of each metric, and its course by subject."""
    values: dict[str, float] = {}
    series: dict[str, list[tuple[int, float]]] = {}
    columns = {**values_by_subject(run, stage), "seconds": _seconds_by_subject(run, stage)}
    for name, by_subject in columns.items():
        if by_subject:
            numbers = list(by_subject.values())
            values[f"mean/{name}"] = statistics.fmean(numbers)
            values[f"median/{name}"] = statistics.median(numbers)
            series[f"by_subject/{name}"] = [
                (number, by_subject[subject])
                for number, subject in enumerate(run.subjects)
                if subject in by_subject
            ]
    return TrackedRun(
        key=f"{PREPARATION_KEY}/{stage}",
        name=stage,
        params={**params, "stage": stage},
        values=values,
        series=series,
        tags={"stage": stage},
    )


def _cohort_jobs(run: Run, params: Mapping[str, Scalar]) -> Iterator[TrackedRun]:
    """The segmentation's folds, the pairs, and the errors of the stages against the truth."""
    found = [
        (f"{stage}/fold{fold}", stage, run.at(stage, fold=fold))
        for stage in ("segment_train", "segment_quality")
        for fold in range(run.n_folds)
        if run.at(stage, fold=fold).is_dir()  # none where a trained network or masks are given
    ]
    found.append(("pairs", "pairs", run.at("pairs")))
    if run.virtual:
        found.append(("evaluate_stages", "evaluate_stages", run.at("evaluate_stages")))
    for name, stage, folder in found:
        metrics = read_metrics(folder)
        yield TrackedRun(
            key=f"{PREPARATION_KEY}/{name}",
            name=name,
            params={**metrics.params, **params, "stage": stage},
            values=_with_seconds(metrics, run, folder),
            series=metrics.series,
            files=tuple(artefacts_of(folder)),
            tags={"stage": stage},
        )


def artefacts_of(folder: Path) -> Iterator[Path]:
    """A job's manifest, and of its artefacts the pictures and small texts; never weights."""
    named = [folder / name for name in read_metrics(folder).artefacts]
    for path in dict.fromkeys([folder / MANIFEST, *named]):
        if path.suffix in (".png", ".json", ".tsv") and path.exists():
            yield path


def _with_seconds(metrics: Metrics, run: Run, folder: Path) -> dict[str, float]:
    base = Path(run.layout.root) / run.layout.cohort
    name = f"{folder.relative_to(base)}.tsv"
    seconds = seconds_of(base / "benchmarks" / name)
    return {**metrics.values, **({} if seconds is None else {"seconds": seconds})}


def _seconds_by_subject(run: Run, stage: str) -> dict[str, float]:
    pattern = run.layout.benchmark(stage)
    found = {s: seconds_of(Path(pattern.replace("{subject}", s))) for s in run.subjects}
    return {subject: seconds for subject, seconds in found.items() if seconds is not None}


def _provenance(summary: Mapping[str, Any]) -> dict[str, str]:
    manifest = summary["manifest"]
    return {
        "commit": manifest["commit"],
        "config_hash": manifest["config_hash"],
        "virtual": str(summary["virtual"]).lower(),
    }
