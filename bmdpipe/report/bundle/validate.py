"""A bundle on a cohort that none of its models has seen: external validation.

Of the cohort's tables the radiographs, the side and the DXA are read. No CT is needed; where the
workflow has measured the cohort's CT, its QCT is compared with too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.cohort import Cohort, SubjectRow
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.config.root import Config
from bmdpipe.core.dxa import dxa_of
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import ROI
from bmdpipe.core.layout import Layout
from bmdpipe.evaluation.experiment import evaluate_target
from bmdpipe.evaluation.prediction_intervals import coverage_of
from bmdpipe.evaluation.predictions import Prediction, sample_of
from bmdpipe.evaluation.summary import STATISTICS, summarise
from bmdpipe.report.bundle.files import Bundle
from bmdpipe.report.bundle.predict import Models
from bmdpipe.training.truth import bmd_of_subject

ONE_FOLD = "external"
TRUSTED = {name: STATISTICS[name] for name in ("pcc", "mae", "bias")}


@dataclass(frozen=True)
class Outcome:
    """What one radiograph gave: a row per target, or why it cannot be used; or why none of a
    subject's can. `radiographs` is how many it stands for."""

    rows: tuple[Prediction, ...]
    refused: tuple[CaseError, ...]
    radiographs: int = 1


@dataclass(frozen=True)
class Validation:
    """All outcomes of a cohort; `devices` are the DXA devices that its tables name."""

    cohort: str
    virtual: bool
    outcomes: tuple[Outcome, ...]
    devices: tuple[str, ...]

    @property
    def rows(self) -> tuple[Prediction, ...]:
        return tuple(row for outcome in self.outcomes for row in outcome.rows)

    @property
    def refused(self) -> tuple[CaseError, ...]:
        return tuple(error for outcome in self.outcomes for error in outcome.refused)


def outcomes(bundle: Bundle, config: Config, cohort: Cohort) -> Iterator[Outcome]:
    """Radiograph after radiograph of the subjects of dataset B, each of its subject's side."""
    models = Models.of(bundle, config.training.device)
    layout = Layout(config.results, config.cohort.name)
    for subject in subjects_of(cohort):
        try:
            truth = known_bmd(subject, layout)
        except CaseError as error:
            yield Outcome((), (error,), len(cohort.radiographs_of(subject.subject)))
            continue
        for radiograph in cohort.radiographs_of(subject.subject):
            case = f"{subject.subject}/{radiograph.radiograph}"
            found = models.predict(Path(radiograph.path), case, [subject.side])
            rows = tuple(
                Prediction(
                    case=case,
                    subject=subject.subject,
                    positioning=radiograph.positioning,
                    fold=ONE_FOLD,
                    target=estimate.target,
                    bmd_true=truth.get(estimate.target),
                    bmd_pred=estimate.bmd,
                    bmd_projection=None,
                    flags=",".join(estimate.flags),
                )
                for hip in found.hips
                for estimate in hip.estimates
            )
            yield Outcome(rows, found.refused)


def subjects_of(cohort: Cohort) -> list[SubjectRow]:
    """The subjects that can be validated on; raises UsageError if there is none."""
    found = [s for s in cohort.subjects if s.dataset == "B" and cohort.radiographs_of(s.subject)]
    if not found:
        raise UsageError("the cohort has no subject with a radiograph to validate on")
    return found


def known_bmd(subject: SubjectRow, layout: Layout) -> dict[str, float]:
    """The subject's BMD by target: DXA (g/cm2) of the tables, QCT (mg/cm3) where it was measured.

    Raises CaseError as `dxa_of` does.
    """
    abmd, _ = dxa_of(vars(subject))
    known = {} if abmd is None else {"dxa": abmd}
    imported, roi = (Path(layout.at(stage, subject=subject.subject)) for stage in ("import", "roi"))
    if (roi / ROI).is_file() and (vbmd := bmd_of_subject("qct", imported, roi)) is not None:
        known["qct"] = vbmd
    return known


def devices_of(cohort: Cohort) -> tuple[str, ...]:
    """The DXA devices of the subjects, those in files included, sorted."""
    found = set()
    for subject in subjects_of(cohort):
        try:
            found.add(dxa_of(vars(subject))[1])
        except CaseError:
            continue
    return tuple(sorted(filter(None, found)))


def judged(bundle: Bundle, found: Validation, config: EvaluationConfig) -> dict[str, Any]:
    """By target what a held-out experiment is judged by, the coverage of the bundle's interval,
    the metrics of what carries no flag, and beside them the bundle's own held-out metrics.

    A target that nobody of the cohort has a value of is left out.
    """
    targets: dict[str, Any] = {}
    for target, limits in bundle.targets.items():
        rows = [row for row in found.rows if row.target == target]
        sample = sample_of(rows)
        if len(sample) == 0:
            continue
        result = evaluate_target(rows, target, config)
        trusted, _ = summarise(
            sample_of(r for r in rows if not r.flags), limits.unit, config, TRUSTED
        )
        result |= {"trusted": trusted, "held_out": bundle.held_out[target], "interval": None}
        if limits.half_width is not None:
            coverage, _ = coverage_of(sample, limits.half_width, config)
            result["interval"] = {"nominal": limits.nominal, **coverage}
        result["drop"] = drop(result["held_out"], result["metrics"])
        targets[target] = result
    if not targets:
        raise UsageError("no radiograph of the cohort could be used, or none has a BMD to compare")
    return targets


def drop(
    inside: Mapping[str, Mapping[str, Any]], outside: Mapping[str, Mapping[str, Any]]
) -> float | None:
    """By how much the PCC is lower than held out in the bundle's own cohort."""
    if "pcc" not in inside or "pcc" not in outside:
        return None
    difference: float = inside["pcc"]["value"] - outside["pcc"]["value"]
    return difference
