"""Maps of a picture classifier for some held-out cases, each with its checks (seed 004)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.explain.agreement import consistency
from bmdpipe.explain.attention import attend
from bmdpipe.explain.methods import METHODS
from bmdpipe.explain.question import Chosen
from bmdpipe.explain.scores import mean_scores, scores_text
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.explain.titles import TITLES
from bmdpipe.pairs.examples import Examples
from bmdpipe.training.classify import Classifier

TOP = 0.05


def explain_pictures(
    path: Path, trained: Classifier, cases: Examples, config: ExplainConfig, virtual: bool
) -> dict[str, Any]:
    """Draw the predicted class' maps of some pictures; returns their scores as JSON."""
    images = torch.from_numpy(cases.inputs)
    probability = trained.logits(images).softmax(dim=1)
    told = probability.argmax(dim=1)
    found, reasons = attend(trained.network, trained.layer, images, config, output=Chosen(told))
    methods = [m for m in METHODS if m in found[0]]
    shown = cases.inputs[:, 0]
    rows = []
    for i, maps in enumerate(found):
        text = (
            f"{trained.classes[int(cases.labels[i])]}, told {trained.classes[int(told[i])]}\n"
            f"({float(probability[i].max()):.2f})"
        )
        rows.append(
            [
                Panel("radiograph", shown[i], text),
                *(
                    Panel("attention", maps[m].image, scores_text(maps[m]), shown[i])
                    for m in methods
                ),
            ]
        )
    titles = ["picture", *(TITLES[m] for m in methods)]
    draw_sheet(path, titles, rows, [case.split("/")[-1] for case in cases.cases], virtual)
    everywhere = np.ones(shown[0].shape, bool)
    agreed = [consistency({m: maps[m].image for m in methods}, everywhere, TOP) for maps in found]
    rho = [each.rank_correlation for each in agreed if each is not None]
    return {
        "layer": trained.layer,
        "left_out": reasons,
        "methods": {m: mean_scores([maps[m] for maps in found]) for m in methods},
        "consistency": {"rank_correlation": float(np.mean(rho))} if rho else {},
    }
