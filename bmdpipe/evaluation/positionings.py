"""Whether an experiment's errors depend on how the patient was positioned (Gu 2023 §4.2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.predictions import Prediction
from bmdpipe.evaluation.repeated import repeated_measures_anova, tukey_hsd


def compare_positionings(rows: Sequence[Prediction], confidence: float) -> dict[str, Any]:
    """ANOVA and Tukey's test of the absolute error between positionings.

    The ANOVA takes the subjects that have every positioning. A test without a value is left out and
    `left_out` says why.
    """
    errors = absolute_errors(rows)
    result: dict[str, Any] = {"left_out": {}}
    try:
        names, table = complete(errors)
        result["anova"] = asdict(repeated_measures_anova(table, names))
    except NotMeasurable as reason:
        result["left_out"]["anova"] = str(reason)
    try:
        groups = {name: np.array(list(of.values())) for name, of in errors.items()}
        result["tukey"] = [asdict(pair) for pair in tukey_hsd(groups, confidence)]
    except NotMeasurable as reason:
        result["left_out"]["tukey"] = str(reason)
    return result


def absolute_errors(rows: Sequence[Prediction]) -> dict[str, dict[str, float]]:
    """By positioning: a subject's mean absolute error over its radiographs (both sides)."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if row.bmd_true is not None and row.bmd_pred is not None:
            of = found.setdefault(row.positioning, {}).setdefault(row.subject, [])
            of.append(abs(row.bmd_pred - row.bmd_true))
    return {
        positioning: {subject: float(np.mean(values)) for subject, values in sorted(of.items())}
        for positioning, of in sorted(found.items())
    }


def complete(errors: dict[str, dict[str, float]]) -> tuple[list[str], NDArray]:
    """The conditions and a table `[n subjects, k conditions]` of the subjects that have all.

    Raises NotMeasurable if there is no condition.
    """
    if not errors:
        raise NotMeasurable("no case has a value")
    subjects = sorted(set.intersection(*(set(of) for of in errors.values())))
    return list(errors), np.array([[of[s] for of in errors.values()] for s in subjects]).reshape(
        len(subjects), len(errors)
    )
