"""Error of BMD against the hip's angles: are strangely positioned hips read worse?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bmdpipe.evaluation.agreement import NotMeasurable, pcc
from bmdpipe.evaluation.bland_altman import limits

ANGLES = {
    "flexion": "flexion",
    "abduction": "abduction",
    "external_rotation": "external rotation",
}
"""The angles of poses.json, and what they are called in print."""

COLUMNS = (
    "PCC of absolute error with distance from the mean angle",
    "outliers, normal angle",
    "outliers, abnormal angle",
)


@dataclass(frozen=True)
class AngleError:
    """Errors (estimate minus truth) against one angle.

    `pcc` is the correlation of the absolute error with the distance of the angle from its mean,
    None where it has no value. An angle is abnormal outside its mean +- 1.96 SD, an error an
    outlier outside its own; the rates are parts of the radiographs with a normal and with an
    abnormal angle, None where there are none.
    """

    angle: str
    n: int
    n_abnormal: int
    pcc: float | None
    rate_normal: float | None
    rate_abnormal: float | None
    angle_limits_deg: tuple[float, float]
    error_limits: tuple[float, float]


def errors_by_angle(rows: pd.DataFrame) -> list[AngleError]:
    """Of a table with `bmd_true`, `bmd_pred` and a column in degrees for each of `ANGLES`.

    Rows without one of them are left out. Raises NotMeasurable with fewer than three rows.
    Source: Gu 2023 §4.2.6, Fig. 10; the correlation with the distance is ours.
    """
    known = rows.dropna(subset=["bmd_true", "bmd_pred", *ANGLES])
    error = (known["bmd_pred"] - known["bmd_true"]).to_numpy(dtype=float)
    _, low, high = limits(error)
    outlier = (error < low) | (error > high)
    found = []
    for angle in ANGLES:
        degrees = known[angle].to_numpy(dtype=float)
        mean, least, most = limits(degrees)
        abnormal = (degrees < least) | (degrees > most)
        try:
            related = float(pcc(np.abs(degrees - mean), np.abs(error)))
        except NotMeasurable:
            related = None
        found.append(
            AngleError(
                angle=angle,
                n=len(error),
                n_abnormal=int(abnormal.sum()),
                pcc=related,
                rate_normal=_rate(outlier[~abnormal]),
                rate_abnormal=_rate(outlier[abnormal]),
                angle_limits_deg=(least, most),
                error_limits=(low, high),
            )
        )
    return found


def angle_page(found: Sequence[tuple[str, AngleError]], title: str) -> str:
    """As Markdown, a line per target and angle."""
    lines = [
        f"# {title}\n",
        "Outliers of error and abnormal angles lie outside mean +- 1.96 SD.\n",
        f"| target | angle | {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|",
    ]
    for target, row in found:
        related = "–" if row.pcc is None else f"{row.pcc:.3f}"
        lines.append(
            f"| {target.upper()} | {ANGLES[row.angle]} | {related} "
            f"| {_percent(row.rate_normal)} of {row.n - row.n_abnormal} "
            f"| {_percent(row.rate_abnormal)} of {row.n_abnormal} |"
        )
    return "\n".join(lines) + "\n"


def _rate(outlier: NDArray[np.bool_]) -> float | None:
    return float(outlier.mean()) if len(outlier) else None


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"
