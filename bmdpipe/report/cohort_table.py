"""The cohort in numbers, as in the paper's Table 1."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import ROI, SUBJECT
from bmdpipe.report.cases import is_used
from bmdpipe.report.jobs import Run


def subject_of(run: Run, subject: str) -> dict[str, Any]:
    """What is known of a subject; empty if its import was quarantined before it was written."""
    path = run.at("import", subject=subject) / SUBJECT
    return read_json(path) if path.exists() else {}


def vbmd_of(run: Run, subject: str) -> float | None:
    """Volumetric BMD of the target hip in mg/cm3 from the CT; None for a quarantined subject."""
    path = run.at("roi", subject=subject) / ROI
    side = subject_of(run, subject).get("side")
    hip = read_json(path).get(side) if path.exists() else None
    return hip["vbmd_mg_cm3"] if hip else None


def cohort_table(run: Run) -> dict[str, Any]:
    """Counts of subjects, and the distribution of age, BMI and BMD over those that are used."""
    used = [subject for subject in run.subjects if is_used(run, subject)]
    known = [subject_of(run, subject) for subject in used]
    columns = {
        "age_years": [row.get("age_years") for row in known],
        "bmi": [row.get("bmi") for row in known],
        "dxa_abmd_g_cm2": [row.get("dxa_abmd_g_cm2") for row in known],
        "vbmd_mg_cm3": [vbmd_of(run, subject) for subject in used],
    }
    return {
        "n": len(run.subjects),
        "used": len(used),
        "female": sum(row.get("sex") == "F" for row in known),
        "sex_known": sum(row.get("sex") in ("F", "M") for row in known),
        "side": {side: sum(row.get("side") == side for row in known) for side in ("L", "R")},
        **{name: _distribution(values) for name, values in columns.items()},
    }


def _distribution(values: Sequence[float | None]) -> dict[str, float | int]:
    """n, and where there are values mean, standard deviation (n - 1), smallest and largest."""
    present = [value for value in values if value is not None]
    if not present:
        return {"n": 0}
    spread = {"sd": statistics.stdev(present)} if len(present) > 1 else {}
    return {
        "n": len(present),
        "mean": statistics.fmean(present),
        **spread,
        "min": min(present),
        "max": max(present),
    }
