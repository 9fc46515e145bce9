"""Femoral landmarks as a 3D Slicer markups file, written for correction and read back.

Source of the format: 3D Slicer, markups-schema-v1.0.3.json (points, LPS or RAS, mm).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import write_json
from bmdpipe.core.errors import CaseError
from bmdpipe.geometry.landmarks import LANDMARKS, Landmarks

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
LPS_FROM = {"LPS": np.ones(3), "RAS": np.array([-1.0, -1.0, 1.0])}
LIMIT_BYTES = 1_000_000


def write_markups(path: Path, landmarks: Landmarks, description: str) -> None:
    """A list of eight points named as the landmarks are; `description` stands on each."""
    points = [
        {
            "id": str(number),
            "label": name,
            "description": description,
            "position": [round(float(c), 3) for c in landmarks[name]],
            "selected": True,
            "locked": False,
            "visibility": True,
            "positionStatus": "defined",
        }
        for number, name in enumerate(LANDMARKS, start=1)
    ]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "controlPoints": points,
    }
    write_json(path, {"@schema": SCHEMA, "markups": [markup]})


def read_markups(path: Path, case: str) -> dict[str, NDArray[np.float64]]:
    """The eight landmarks in LPS, mm. Raises CaseError E_LANDMARKS that names file and fault."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise _fault(case, path, "it is too large for eight points")
        markup = json.loads(path.read_text(encoding="utf-8"))["markups"][0]
        points = markup["controlPoints"]
        system = str(markup.get("coordinateSystem", ""))
        found = {str(p["label"]): p["position"] for p in points if _placed(p)}
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _fault(case, path, f"it is no markups file ({type(error).__name__})") from error
    if system not in LPS_FROM:
        raise _fault(case, path, f"its coordinate system is '{system}', not LPS or RAS")
    if markup.get("coordinateUnits", "mm") != "mm":
        raise _fault(case, path, "its unit is not mm")
    missing = [name for name in LANDMARKS if name not in found]
    if missing:
        raise _fault(case, path, f"{', '.join(missing)} not placed")
    result = {name: _point(found[name]) for name in LANDMARKS}
    wrong = [name for name, point in result.items() if point is None]
    if wrong:
        raise _fault(case, path, f"{', '.join(wrong)} without three coordinates")
    return {name: p * LPS_FROM[system] for name, p in result.items() if p is not None}


def _placed(point: dict[str, Any]) -> bool:
    return point.get("positionStatus", "defined") == "defined"


def _point(raw: Any) -> NDArray[np.float64] | None:
    if not isinstance(raw, list) or len(raw) != 3:
        return None
    if not all(isinstance(c, int | float) and np.isfinite(c) for c in raw):
        return None
    return np.array(raw, dtype=float)


def _fault(case: str, path: Path, why: str) -> CaseError:
    return CaseError("E_LANDMARKS", case, f"the corrected landmarks in {path.name}: {why}")
