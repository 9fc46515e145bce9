"""Gather one experiment of a finished run into a folder that needs nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from bmdpipe.core.atomic import atomic_folder, read_json, write_json, write_text
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import MODEL, PROJECTION_FIT, WEIGHTS
from bmdpipe.evaluation.conformal import half_width
from bmdpipe.evaluation.predictions import UNITS, sample_of
from bmdpipe.pairs.domain import ImageDomain, fit_domain
from bmdpipe.pairs.store import read_pairs
from bmdpipe.report.bundle.card import model_card
from bmdpipe.report.bundle.files import (
    CARD,
    DECOMPOSITION,
    FIT,
    REGRESSION,
    Bundle,
    TargetLimits,
    write_bundle,
)
from bmdpipe.report.bundle.members import load_members
from bmdpipe.report.bundle.sources import Sources, find_sources

PROJECTION_UNITS = {"qct": "mg/cm2", "ct": "HU cm"}


def export(results: Path, cohort: str, experiment: str, target: Path, onnx: bool = False) -> Bundle:
    """Write the bundle of an experiment into a new folder; returns what it says of itself.

    Codes of subjects stay behind: a bundle holds their number only. Raises UsageError as
    `find_sources` does, if the folder holds anything, or if ONNX is wanted and not installed.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty")
    if onnx:
        from bmdpipe.report.bundle.onnx_export import check_installed

        check_installed()
    sources = find_sources(results, cohort, experiment)
    with atomic_folder(target) as folder:
        for fold in sources.folds:
            _copy_fold(sources, fold, folder)
        bundle = _bundle(sources, folder)
        load_members(bundle)  # weights that do not fit this version are found here, not at use
        write_text(folder / CARD, model_card(bundle, sources))
        if onnx:
            from bmdpipe.report.bundle.onnx_export import write_onnx

            write_onnx(bundle)
        write_bundle(bundle)
    return bundle


def target_limits(sources: Sources, target: str) -> TargetLimits:
    """From every held-out error of this target; see TargetLimits.

    Where too few subjects calibrate an interval, the largest held-out error takes the place of its
    half-width as the limit of disagreement.
    """
    rows = [row for row in sources.predictions if row.target == target]
    sample = sample_of(rows)
    if len(sample) == 0:
        raise UsageError(f"no held-out subject has a {target} value: there is nothing to go by")
    errors = np.abs(sample.estimate - sample.truth)
    nominal = sources.evaluation_config.interval_coverage
    width = half_width(errors, sample.subject, nominal)
    finite = bool(np.isfinite(width))
    return TargetLimits(
        unit=UNITS[target],
        nominal=nominal,
        half_width=width if finite else None,
        disagreement=width if finite else float(errors.max()),
        seen=(float(sample.truth.min()), float(sample.truth.max())),
    )


def _bundle(sources: Sources, folder: Path) -> Bundle:
    return Bundle(
        root=folder,
        experiment=sources.experiment,
        method=sources.plan.method,
        virtual=bool(sources.summary["virtual"]),
        folds=sources.folds,
        targets={target: target_limits(sources, target) for target in sources.targets},
        held_out={target: _held_out(sources, target) for target in sources.targets},
        positionings=tuple(sorted({row.positioning for row in sources.predictions})),
        size_px=sources.pairs.size_px,
        canonical_side=sources.pairs.canonical_side,
        projection_unit=PROJECTION_UNITS[sources.decomposer.density],
        imaging=sources.imaging,
        domain=_domain(sources),
        provenance=_provenance(sources),
    )


def _held_out(sources: Sources, target: str) -> dict[str, dict[str, Any]]:
    metrics = sources.evaluation["targets"][target]["metrics"]
    kept = ("value", "ci_low", "ci_high", "n", "unit")
    return {
        name: {key: found[key] for key in kept if key in found} for name, found in metrics.items()
    }


def _domain(sources: Sources) -> ImageDomain:
    """Of both hips in every radiograph of the subjects that the models were trained on."""
    subjects = frozenset().union(*sources.trained_on)
    kept = sources.decomposer.positionings
    return fit_domain(read_pairs(sources.at("pairs"), subjects, ("radiograph",), kept))


def _provenance(sources: Sources) -> dict[str, Any]:
    manifest = sources.summary["manifest"]
    return {
        "cohort": sources.layout.cohort,
        **{key: manifest[key] for key in ("commit", "config_hash", "seeds", "versions")},
        "training_subjects": len(frozenset().union(*sources.trained_on)),
        "training_subjects_by_fold": [len(subjects) for subjects in sources.trained_on],
        "held_out_subjects": len({row.subject for row in sources.predictions}),
        "backbone": sources.decomposer.backbone,
    }


def _copy_fold(sources: Sources, fold: int, folder: Path) -> None:
    _copy_model(sources.stage_two(fold), folder / DECOMPOSITION.format(fold=fold))
    if sources.plan.method == "regression":
        for target in sources.targets:
            place = folder / REGRESSION.format(fold=fold, target=target)
            _copy_model(sources.stage_three(fold, target), place)
    predicted = sources.at("predict", experiment=sources.experiment, fold=fold)
    shutil.copyfile(predicted / PROJECTION_FIT, folder / FIT.format(fold=fold))


def _copy_model(source: Path, place: Path) -> None:
    """The weights as they are; of model.json all but the subjects' codes."""
    if not (source / WEIGHTS).is_file():
        raise UsageError(f"{source / WEIGHTS} is missing: run the workflow to its end first")
    place.mkdir(parents=True)
    shutil.copyfile(source / WEIGHTS, place / WEIGHTS)
    meta = read_json(source / MODEL)
    subjects = meta.pop("subjects")
    write_json(place / MODEL, {**meta, "n_subjects": len(subjects)})
