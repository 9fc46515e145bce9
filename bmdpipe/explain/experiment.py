"""The pictures of one trained experiment: what it attends to and what it has learned to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.explain.attention import attend
from bmdpipe.explain.representation import StagePicture, by_stage
from bmdpipe.explain.scores import mean_scores, plain_scores, scores_text
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.explain.titles import TITLES
from bmdpipe.training.saved import Decomposition, Regression

UNITS = {"dxa": "g/cm²", "qct": "mg/cm³"}
ENCODER = "encoder"
FEATURES = "features"


def explain_regression(
    path: Path,
    model: Regression,
    layer: str,
    decompositions: Mapping[str, Decomposition],
    images: Tensor,
    cases: Sequence[str],
    target: str,
    config: ExplainConfig,
    virtual: bool,
) -> dict[str, Any]:
    """Draw radiograph, representation by stage and attention of images `[n, 1, h, w]`.

    Images are attenuation. `layer` is the network's module to explain; `decompositions` are the
    earlier stages by name, none for the conventional baseline. Returns the cases' scores as JSON.
    """
    x = model.scale.radiograph_in(images)
    attention, reasons = attend(model.network, layer, x, config, model.value_scale.sd)
    with torch.no_grad():
        values = [float(value) for value in model(images)]
    stages: dict[str, StagePicture] = {}
    if decompositions:
        encoders = {name: stage.generator.encode for name, stage in decompositions.items()}
        stages = by_stage({**encoders, "stage three": model.network.get_submodule(layer)}, x)
    shown = _shown(images)
    drawn = [method for method in config.methods if method not in reasons]
    rows = [
        [
            Panel("radiograph", shown[i], f"predicted {_value(values[i], target)}"),
            *_stage_panels(stages, i),
            *(
                Panel("attention", found.image, scores_text(found), shown[i])
                for found in attention[i].values()
            ),
        ]
        for i in range(len(cases))
    ]
    titles = ["radiograph", *_stage_titles(stages), *(TITLES[m] for m in drawn)]
    draw_sheet(path, titles, rows, [case.split("/")[0] for case in cases], virtual)
    return {
        "layer": layer,
        "left_out": reasons,
        "representation_explained": {name: s.explained for name, s in stages.items()},
        "cases": [
            {
                "case": case,
                "bmd_pred": values[i],
                "maps": {name: plain_scores(found) for name, found in attention[i].items()},
            }
            for i, case in enumerate(cases)
        ],
        "maps": {method: mean_scores([a[method] for a in attention]) for method in drawn},
    }


def explain_decomposition(
    path: Path,
    model: Decomposition,
    decompositions: Mapping[str, Decomposition],
    images: Tensor,
    truth: NDArray[np.float32],
    cases: Sequence[str],
    virtual: bool,
) -> dict[str, Any]:
    """Draw radiograph, true and predicted projection, representation by stage.

    `images` `[n, 1, h, w]` are attenuation, `truth` `[n, h, w]` is in mg/cm2.
    """
    encoders = {name: stage.generator.encode for name, stage in decompositions.items()}
    stages = by_stage(encoders, model.scale.radiograph_in(images))
    with torch.no_grad():
        predicted = model(images)[:, 0].cpu().numpy()
    shown = _shown(images)
    errors = np.abs(predicted - truth).mean(axis=(1, 2))
    rows = [
        [
            Panel("radiograph", shown[i]),
            Panel("density", truth[i], f"up to {truth[i].max():.0f} mg/cm²"),
            Panel("density", predicted[i], f"up to {predicted[i].max():.0f} mg/cm²"),
            *_stage_panels(stages, i),
        ]
        for i in range(len(cases))
    ]
    titles = ["radiograph", "true projection", "predicted projection", *_stage_titles(stages)]
    draw_sheet(path, titles, rows, [case.split("/")[0] for case in cases], virtual)
    return {
        "representation_explained": {name: s.explained for name, s in stages.items()},
        "cases": [
            {"case": case, "mean_absolute_error_mg_cm2": float(error)}
            for case, error in zip(cases, errors, strict=True)
        ],
    }


def _shown(images: Tensor) -> NDArray[np.float32]:
    return images[:, 0].cpu().numpy()


def _stage_titles(stages: Mapping[str, StagePicture]) -> list[str]:
    return [f"{name}\n(PC1, {100 * stage.explained:.0f} %)" for name, stage in stages.items()]


def _stage_panels(stages: Mapping[str, StagePicture], row: int) -> list[Panel]:
    return [Panel("component", stage.scores[row]) for stage in stages.values()]


def _value(value: float, target: str) -> str:
    return f"{value:.3f} {UNITS[target]}" if target == "dxa" else f"{value:.0f} {UNITS[target]}"
