"""Maps of value networks for some held-out cases, each with its checks (seed 000)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.explain.attention import attend
from bmdpipe.explain.methods import METHODS
from bmdpipe.explain.scores import mean_scores, scores_text
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.explain.titles import TITLES
from bmdpipe.pairs.examples import Examples
from bmdpipe.training.value_network import Estimator


def explain_values(
    path: Path, trained: Estimator, cases: Examples, config: ExplainConfig, virtual: bool
) -> dict[str, Any]:
    """Draw the maps of some cases, the lowest value first; returns their scores as JSON."""
    images = torch.from_numpy(cases.inputs)
    told = trained.values(images)
    found, reasons = attend(trained.network, trained.layer, images, config, trained.scale.sd)
    methods = [m for m in METHODS if m in found[0]]
    shown = cases.inputs[:, cases.inputs.shape[1] // 2]
    order = np.argsort(cases.labels, kind="stable").tolist()
    rows = [
        [
            Panel("radiograph", shown[i], f"{cases.labels[i]:.3g}, told {float(told[i]):.3g}"),
            *(
                Panel("attention", found[i][m].image, scores_text(found[i][m]), shown[i])
                for m in methods
            ),
        ]
        for i in order
    ]
    titles = ["slice", *(TITLES[m] for m in methods)]
    draw_sheet(path, titles, rows, [cases.cases[i] for i in order], virtual)
    return {
        "layer": trained.layer,
        "left_out": reasons,
        "methods": {m: mean_scores([maps[m] for maps in found]) for m in methods},
        "inside": {
            m: float(np.mean([_share(maps[m].image, shown[i]) for i, maps in enumerate(found)]))
            for m in methods
        },
    }


def _share(weights: np.ndarray, image: np.ndarray) -> float:
    """The part of a map that lies where the image is not masked away."""
    total = float(weights.sum())
    return float(weights[image > 0].sum()) / total if total else 0.0
