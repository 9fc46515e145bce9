"""Fit the probability that a pose is good to registrations whose outcome is known.

    python docs/scripts/fit_confidence.py "full size=a.jsonl,b.jsonl" "small=c.jsonl" [--write]

The rows are those of `registration_cases.py`; a title stands for CTs and labels of one quality. A
logistic model with a weak ridge, one for the pelvis and one for femora; the printed figures are of
held-out subjects (leave out one name of all cohorts at a time). With `--write` the coefficients
go into the package, with their provenance.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.registration.confidence import FEATURES, Signs

STORED = Path(__file__).parents[2] / "bmdpipe" / "registration" / "confidence.json"
SIGNS = tuple(Signs.__dataclass_fields__)
RIDGE = 1e-3
ALL = "all"
DIRECTIONS = (1, 1, -1, 1, -1, 1)
"""Which way each feature may only tell of success."""


def fitted(x: NDArray, y: NDArray) -> dict[str, list]:
    """A logistic regression of outcomes `[n]` on features `[n, p]`; every outcome class counts the
    same, and the ridge keeps separable classes from growing without end."""
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    z = np.column_stack([(x - mean) / scale, np.ones(len(x))])
    sign = np.where(y, 1.0, -1.0)
    weight = np.where(y, 0.5 / max(y.sum(), 1), 0.5 / max((~y).sum(), 1))

    def loss(w: NDArray) -> tuple[float, NDArray]:
        margin = sign * (z @ w)
        own = RIDGE * w[:-1]
        value = (weight * np.logaddexp(0, -margin)).sum() + 0.5 * (own * w[:-1]).sum()
        slope = -(weight * sign / (1 + np.exp(margin))) @ z
        slope[:-1] += own
        return float(value), slope

    bounds = [(0, None) if way > 0 else (None, 0) for way in DIRECTIONS] + [(None, None)]
    w = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return {
        "range": [x.min(axis=0).tolist(), x.max(axis=0).tolist()],
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coefficients": w[:-1].tolist(),
        "intercept": float(w[-1]),
    }


def probabilities(model: dict[str, list], x: NDArray) -> NDArray:
    low, high = np.asarray(model["range"])
    z = (np.clip(x, low, high) - model["mean"]) / np.asarray(model["scale"])
    return 1 / (1 + np.exp(-(z @ np.asarray(model["coefficients"]) + model["intercept"])))


def auc(y: NDArray, p: NDArray) -> float:
    """The share of good-bad pairs in the right order; ties count half."""
    good, bad = p[y][:, None], p[~y][None, :]
    return float(((good > bad) + 0.5 * (good == bad)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", metavar="TITLE=ROWS")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for part in args.parts:
        title, paths = part.split("=", 1)
        for path in paths.split(","):
            lines = Path(path).read_text("utf-8").splitlines()
            rows += [{"title": title, **json.loads(line)} for line in lines]
    # Swapped sides are told by the mirrored fit alone, outside of the model.
    rows = [row for row in rows if row["case"] != "mirrored"]
    signs = [Signs(**{name: row[name] for name in SIGNS}) for row in rows]
    x = np.array([s.features() for s in signs])
    y = np.array([row["success"] for row in rows])
    pelvis = np.array([row["body"] == "pelvis" for row in rows])
    subjects = np.array([row["subject"] for row in rows])
    titles = np.array([row["title"] for row in rows])
    finite = np.isfinite(x).all(axis=1)
    models, p = {}, np.zeros(len(rows))
    for body, own in (("pelvis", pelvis & finite), ("femur", ~pelvis & finite)):
        models[body] = fitted(x[own], y[own])
        for subject in np.unique(subjects):
            out = own & (subjects == subject)
            kept = own & (subjects != subject)
            p[out] = probabilities(fitted(x[kept], y[kept]), x[out])
    called = p >= RegistrationConfig().min_confidence
    # A femur counts only where its pelvis does; rows of one registration stand together.
    called &= called[np.maximum.accumulate(np.where(pelvis, np.arange(len(rows)), 0))]
    groups = [
        (title, body, own & ((titles == title) | (title == ALL)))
        for title in (ALL, *dict.fromkeys(titles.tolist()))
        for body, own in (("pelvis", pelvis), ("femur", ~pelvis))
    ]
    held_out = [
        {
            "data": title,
            "body": body,
            "poses": int(own.sum()),
            "subjects": len(np.unique(subjects[own])),
            "failures": int((~y[own]).sum()),
            "auc": auc(y[own & finite], p[own & finite]) if 0 < y[own].sum() < own.sum() else None,
            "accepted": int(called[own].sum()),
            "accepted_but_bad": int((called & ~y)[own].sum()),
            "good_but_refused": int((~called & y)[own].sum()),
        }
        for title, body, own in groups
    ]
    for i in np.flatnonzero((called != y) & finite):
        row = rows[i]
        where = "/".join(row[key] for key in ("subject", "positioning", "case", "body"))
        error = row.get("reprojection_median_mm")
        sys.stderr.write(
            f"{'good but refused' if y[i] else 'BAD but accepted'}: {titles[i]} {where} "
            f"{p[i]:.2f} {'' if error is None else f'{error:.2f} mm'}\n"
        )
    sys.stdout.write(json.dumps(held_out, indent=1) + "\n")
    if args.write:
        provenance = {
            "script": "docs/scripts/fit_confidence.py",
            "data": "virtual subjects: docs/scripts/registration_cases.py",
            "features": FEATURES,
            "ridge": RIDGE,
            "held_out": held_out,
        }
        stored = {"provenance": provenance, "models": models}
        STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
