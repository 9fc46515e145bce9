"""BMD of held-out cases by the three methods, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from bmdpipe.core.atomic import atomic_path, read_json, write_text
from bmdpipe.core.files import PREDICTED_PROJECTIONS, PREDICTIONS
from bmdpipe.core.names import Target
from bmdpipe.core.provenance import canonical_json
from bmdpipe.pairs.mapped import ImageStack
from bmdpipe.pairs.store import Case
from bmdpipe.training.projection_fit import ProjectionFit
from bmdpipe.training.regression import predict_images
from bmdpipe.training.saved import Decomposition, Regression

IMPLAUSIBLE = "implausible_projection"
EXTRAPOLATED = "outside_training_range"
RANGE_TOLERANCE_SD = 4.0
COLUMNS = (
    "case",
    "subject",
    "radiograph",
    "positioning",
    "side",
    "fold",
    "target",
    "bmd_true",
    "bmd_pred",
    "bmd_projection",
    "flags",
)


@dataclass(frozen=True)
class Estimates:
    """BMD `[n]` in the target's unit, and a flag (or "") for each."""

    values: NDArray[np.float64]
    flags: tuple[str, ...]


def project_images(
    model: Decomposition, radiographs: ImageStack, device: torch.device
) -> NDArray[np.float32]:
    """The predicted density projections `[n, h, w]`, in the unit that was learned (mg/cm2)."""
    model.generator.to(device)
    return predict_images(model, radiographs, device)[:, 0].numpy()


def read_fits(path: Path) -> dict[str, ProjectionFit]:
    """The fits by target that a prediction left."""
    return {target: ProjectionFit.from_json(raw) for target, raw in read_json(path).items()}


def estimate_from_projections(fit: ProjectionFit, projections: ImageStack) -> Estimates:
    """BMD by threshold, mean and line; a projection unlike those of the fit is flagged."""
    flags = tuple(IMPLAUSIBLE if bad else "" for bad in fit.implausible(projections))
    return Estimates(fit.bmd(projections), flags)


def estimate_from_images(model: Regression, images: ImageStack, device: torch.device) -> Estimates:
    """BMD by regression; a value far outside the training folds' is flagged."""
    model.network.to(device)
    values = predict_images(model, images, device).numpy().astype(np.float64)
    far = np.abs(values - model.value_scale.mean) > RANGE_TOLERANCE_SD * model.value_scale.sd
    return Estimates(values, tuple(EXTRAPOLATED if bad else "" for bad in far))


def prediction_rows(
    cases: Sequence[Case],
    fold: int,
    target: Target,
    bmd_of: Mapping[str, float | None],
    estimates: Estimates,
    true_projections: Estimates,
) -> list[dict]:
    """Rows of predictions.tsv; a case whose subject has no such BMD gives none."""
    rows = []
    for index, case in enumerate(cases):
        if bmd_of[case.subject] is None:
            continue
        rows.append(
            {
                "case": case.name,
                "subject": case.subject,
                "radiograph": case.radiograph,
                "positioning": case.positioning,
                "side": case.side,
                "fold": fold,
                "target": target,
                "bmd_true": bmd_of[case.subject],
                "bmd_pred": float(estimates.values[index]),
                "bmd_projection": float(true_projections.values[index]),
                "flags": estimates.flags[index],
            }
        )
    return rows


def write_predictions(folder: Path, rows: Sequence[Mapping]) -> None:
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    write_text(Path(folder) / PREDICTIONS, table.to_csv(sep="\t", index=False))


def write_projections(
    folder: Path, cases: Sequence[Case], predicted: NDArray, true: NDArray
) -> None:
    """Leave predicted and true projections `[n, h, w]` (mg/cm2) with their cases' names."""
    names = canonical_json([case.name for case in cases])
    with atomic_path(Path(folder) / PREDICTED_PROJECTIONS) as part:
        save_file(
            {"pf_pred": np.ascontiguousarray(predicted), "pf_true": np.ascontiguousarray(true)},
            part,
            metadata={"cases": names},
        )
