"""A subject's DXA: in its row of the cohort table, or in a file that the row names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.errors import CaseError


def dxa_of(row: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """Areal BMD (g/cm2) and device, None where the row gives none.

    Raises CaseError (E_MISSING_FILE) if the row names a file that is not there.
    """
    abmd, device = row.get("dxa_abmd_g_cm2"), row.get("dxa_device")
    if abmd is not None or not row.get("dxa_file"):
        return abmd, device
    path = Path(row["dxa_file"])
    if not path.is_file():
        raise CaseError("E_MISSING_FILE", row["subject"], "the DXA file does not exist")
    dxa = read_json(path)
    return float(dxa["abmd_g_cm2"]), str(dxa["device"])
