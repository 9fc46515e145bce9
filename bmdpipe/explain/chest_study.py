"""Relevance maps of the chest classifiers with and without bones, against the known finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.explain.attention import Attention, attend
from bmdpipe.explain.localisation import chance, mean_share
from bmdpipe.explain.methods import METHODS, draw_maps
from bmdpipe.explain.question import Chosen, Question
from bmdpipe.explain.randomised import with_shuffled_weights
from bmdpipe.explain.scores import mean_scores, scores_text
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.explain.titles import TITLES
from bmdpipe.pairs.examples import Examples
from bmdpipe.training.classify import Classifier

DISEASED = 1


def explain_chests(
    path: Path,
    trained: Mapping[str, tuple[Classifier, Examples]],
    findings: Mapping[str, NDArray[np.bool_]],
    config: ExplainConfig,
    fraction: float,
    virtual: bool,
) -> dict[str, Any]:
    """Draw some held-out diseased cases, a pair of columns per variant and map; returns scores.

    `trained` holds per variant the classifier and its held-out examples, the same cases in the same
    order. Localisation is scored over all held-out diseased cases whose finding is known.
    """
    result: dict[str, Any] = {}
    shown: dict[str, tuple[Examples, list[dict[str, Attention]], NDArray]] = {}
    for variant, (classifier, held) in trained.items():
        diseased = held.where(held.labels == DISEASED)
        chosen = diseased.where(np.arange(len(diseased)) < config.cases)
        images = torch.from_numpy(chosen.inputs)
        probability = classifier.logits(images).softmax(dim=1)
        output = Chosen(torch.full((len(chosen),), DISEASED))
        found, reasons = attend(classifier.network, classifier.layer, images, config, output=output)
        drawn = [m for m in METHODS if m in found[0]]
        result[variant] = {
            "layer": classifier.layer,
            "left_out": reasons,
            "methods": {m: mean_scores([maps[m] for maps in found]) for m in drawn},
        }
        known = diseased.where(np.array([c in findings for c in diseased.cases], bool))
        if len(known):
            result[variant]["localisation"] = _localised(
                classifier, known, findings, config, fraction
            )
        shown[variant] = (chosen, found, probability[:, DISEASED].numpy())
    _draw(path, shown, findings, virtual)
    return result


def _localised(
    classifier: Classifier,
    known: Examples,
    findings: Mapping[str, NDArray[np.bool_]],
    config: ExplainConfig,
    fraction: float,
) -> dict[str, Any]:
    """The share of each map's top pixels that lies in the finding; what shuffled weights and chance
    reach."""
    sites = [findings[case] for case in known.cases]
    everywhere = [np.ones(site.shape, bool) for site in sites]
    random = torch.Generator().manual_seed(config.seed)
    networks = {
        "shares": classifier.network,
        "shuffled": with_shuffled_weights(classifier.network, random),
    }
    result: dict[str, Any] = {"cases": len(known), "chance": chance(everywhere, sites)}
    for name, network in networks.items():
        images = torch.from_numpy(known.inputs)
        asked = Question(
            network, classifier.layer, images, Chosen(torch.full((len(known),), DISEASED))
        )
        maps, _ = draw_maps(asked, config.methods)
        result[name] = {
            TITLES[method]: mean_share(list(stack.cpu().numpy()), everywhere, sites, fraction)
            for method, stack in maps.items()
        }
    return result


def _draw(
    path: Path,
    shown: Mapping[str, tuple[Examples, Sequence[dict[str, Attention]], NDArray]],
    findings: Mapping[str, NDArray[np.bool_]],
    virtual: bool,
) -> None:
    titles: list[str] = []
    first = next(iter(shown.values()))[0]
    rows: list[list[Panel]] = [[] for _ in first.cases]
    for variant, (chosen, found, probability) in shown.items():
        drawn = [m for m in METHODS if m in found[0]]
        titles += [variant, *(TITLES[m] for m in drawn)]
        for i, case in enumerate(chosen.cases):
            image = chosen.inputs[i, 0]
            text = f"tuberculosis {probability[i]:.2f}"
            rows[i].append(Panel("radiograph", image, text, outline=findings.get(case)))
            rows[i] += [
                Panel("attention", found[i][m].image, scores_text(found[i][m]), image)
                for m in drawn
            ]
    draw_sheet(path, titles, rows, list(first.cases), virtual)
