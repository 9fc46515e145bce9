"""The BMD values that are learned and compared with, from the files of the stages before."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import ROI, SUBJECT
from bmdpipe.core.names import Target


def bmd_of_subject(target: Target, subject_folder: Path, roi_folder: Path) -> float | None:
    """DXA (g/cm2) from the cohort table, or the target hip's QCT (mg/cm3); None if unknown."""
    described = read_json(Path(subject_folder) / SUBJECT)
    if target == "dxa":
        value = described["dxa_abmd_g_cm2"]
    else:
        value = read_json(Path(roi_folder) / ROI)[described["side"]]["vbmd_mg_cm3"]
    return None if value is None else float(value)
