"""Whether maps find a site that is known: their highest places against it, and against chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bmdpipe.core.config.explain import MapMethod
from bmdpipe.explain.agreement import share_inside
from bmdpipe.explain.attention import Join
from bmdpipe.explain.methods import draw_maps
from bmdpipe.explain.question import Question
from bmdpipe.explain.randomised import with_shuffled_weights
from bmdpipe.explain.response import Output


def shuffled_summaries(
    network: nn.Module,
    layer: str | None,
    images: Tensor,
    output: Output,
    methods: Iterable[MapMethod],
    join: Join,
    models: int,
    seed: int,
) -> list[list[NDArray]]:
    """The summary score (`join`) of each image `[n, c, ...]` by networks that have learned nothing:
    a list per network of a score per image."""
    names = tuple(methods)
    result = []
    for number in range(models):
        shuffled = with_shuffled_weights(network, torch.Generator().manual_seed(seed + number))
        maps, _ = draw_maps(Question(shuffled, layer, images, output), names)
        stacks = [each.cpu().numpy() for each in maps.values()]
        result.append([join([stack[i] for stack in stacks], i) for i in range(len(images))])
    return result


def mean_share(
    scores: Sequence[NDArray],
    inside: Sequence[NDArray[np.bool_]],
    sites: Sequence[NDArray[np.bool_]],
    fraction: float,
) -> float:
    """The share of the top fraction that lies in the site, mean over images."""
    rows = zip(scores, inside, sites, strict=True)
    return float(np.mean([share_inside(s, i, site, fraction) for s, i, site in rows]))


def chance(inside: Sequence[NDArray[np.bool_]], sites: Sequence[NDArray[np.bool_]]) -> float:
    """What a map without knowledge reaches: the site's share of the mask, mean over images."""
    return float(np.mean([s[i].mean() for i, s in zip(inside, sites, strict=True)]))
