"""Statistics of a surveyed cohort: moments, correlations with intervals, predictability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bmdpipe.virtual.survey.measure import Surveyed

Z_95 = 1.959964
FOLDS = 10


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation (n - 1) of n values."""

    n: int
    mean: float
    sd: float

    @classmethod
    def of(cls, values: ArrayLike) -> Moments:
        array = np.asarray(values, dtype=float)
        spread = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
        return cls(len(array), float(array.mean()), spread)


@dataclass(frozen=True)
class Correlation:
    """Pearson's r with its 95 % interval; the interval is open (nan) below four subjects."""

    n: int
    r: float
    low: float
    high: float

    def within(self, low: float, high: float) -> bool:
        return low <= self.r <= high


def correlation(a: ArrayLike, b: ArrayLike, n_subjects: int | None = None) -> Correlation:
    """By Fisher's transform. `n_subjects` is the number of independent pairs where a subject has
    several (its radiographs); the interval is as wide as that number says."""
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    r = float(np.corrcoef(x, y)[0, 1])
    n = n_subjects or len(x)
    if n < 4:
        return Correlation(n, r, float("nan"), float("nan"))
    z, half = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)), Z_95 / np.sqrt(n - 3)
    return Correlation(n, r, float(np.tanh(z - half)), float(np.tanh(z + half)))


def difference_percent(ours: float, theirs: float) -> float:
    return 100.0 * (ours / theirs - 1.0)


def predictability(features: ArrayLike, target: ArrayLike, seed: int = 0) -> Correlation:
    """Correlation of a target with its prediction by linear regression on other subjects.

    `features` is `[n, k]`. Ten folds; each subject is predicted once, by a model that has not seen
    it. Raises ValueError if there are fewer subjects than folds.
    """
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = np.asarray(features, dtype=float), np.asarray(target, dtype=float)
    model = make_pipeline(StandardScaler(), LinearRegression())
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    return correlation(y, cross_val_predict(model, x, y, cv=folds))


def column(rows: Sequence[Surveyed], name: str) -> NDArray[np.float64]:
    """One number per subject."""
    return np.array([getattr(row, name) for row in rows], dtype=float)


def seen_column(rows: Sequence[Surveyed], positioning: str, name: str) -> NDArray[np.float64]:
    """One number per subject's radiograph of a positioning."""
    return np.array([getattr(row.radiographs[positioning], name) for row in rows], dtype=float)


def seen_correlation(rows: Sequence[Surveyed], name: str, target: str) -> dict[str, Correlation]:
    """Of a radiograph's number with a subject's, by positioning and over all radiographs."""
    truth = column(rows, target)
    positionings = list(rows[0].radiographs)
    found = {p: correlation(seen_column(rows, p, name), truth) for p in positionings}
    pooled = np.concatenate([seen_column(rows, p, name) for p in positionings])
    found["all"] = correlation(pooled, np.tile(truth, len(positionings)), n_subjects=len(rows))
    return found


def known_without_image(rows: Sequence[Surveyed], shape: bool) -> NDArray[np.float64]:
    """Features `[n, k]`: age, sex, BMI, and if wanted the shape of femur and pelvis."""
    columns = [column(rows, "age_years"), column(rows, "bmi")]
    columns.append(np.array([row.sex == "M" for row in rows], dtype=float))
    if shape:
        for key in rows[0].shape:
            columns.append(np.array([row.shape[key] for row in rows]))
    return np.column_stack(columns)
