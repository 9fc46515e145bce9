"""Attention maps of a network for a few images, each with its checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.explain.faithfulness import Faithfulness, Predict, faithfulness
from bmdpipe.explain.methods import draw_maps
from bmdpipe.explain.question import Chosen, Question
from bmdpipe.explain.randomised import map_similarity, with_shuffled_weights
from bmdpipe.explain.response import Output, one_number

JOINED = "summary"
Join = Callable[[Sequence[NDArray], int], NDArray]
"""One map of all maps of the image of a row."""


@dataclass(frozen=True)
class Attention:
    """A map `[...]` of an image's size, whether the model uses what it shows (`faithfulness`), and
    how like the map of shuffled weights it is (`shuffled_similarity`, a rank correlation)."""

    image: NDArray[np.float32]
    faithfulness: Faithfulness
    shuffled_similarity: float | None


def attend(
    network: nn.Module,
    layer: str | None,
    images: Tensor,
    config: ExplainConfig,
    output_scale: float = 1.0,
    output: Output = one_number,
    join: Join | None = None,
    inside: Sequence[NDArray[np.bool_]] | None = None,
) -> tuple[list[dict[str, Attention]], dict[str, str]]:
    """For each image `[n, c, ...]`, in the network's units, every configured map by name; and the
    reasons for the maps that the network cannot carry.

    `layer` names the module whose feature maps are explained; `output` picks the explained number
    per image, `output_scale` turns it into the unit in which faithfulness is given. `join` makes
    one more map of an image's maps, named `JOINED`; `inside` `[...]` per image is where a map is
    compared with that of shuffled weights, everywhere if it is not given.
    """
    maps, reasons = _maps(network, layer, images, config, output)
    shuffled = with_shuffled_weights(network, torch.Generator().manual_seed(config.seed))
    others, _ = _maps(shuffled, layer, images, config, output)
    random = np.random.default_rng(config.seed)
    result = []
    for row, image in enumerate(images):
        own = _joined({name: stack[row] for name, stack in maps.items()}, row, join)
        other = _joined({name: stack[row] for name, stack in others.items()}, row, join)
        where = np.ones(image.shape[1:], bool) if inside is None else inside[row]
        scores = faithfulness(
            _predict(network, output, row, output_scale),
            image,
            own,
            config.deletion_cells,
            config.deletion_steps,
            config.random_orders,
            random,
        )
        result.append(
            {
                name: Attention(
                    own[name], scores[name], map_similarity(own[name][where], other[name][where])
                )
                for name in own
            }
        )
    return result, reasons


def _joined(
    maps: dict[str, NDArray[np.float32]], row: int, join: Join | None
) -> dict[str, NDArray[np.float32]]:
    return maps if join is None else {**maps, JOINED: join(list(maps.values()), row)}


def _predict(network: nn.Module, output: Output, row: int, scale: float) -> Predict:
    """The explained number of changed copies of one image."""
    pick = output.of(row) if isinstance(output, Chosen) else output

    def predict(part: Tensor) -> Tensor:
        return pick(network(part)) * scale

    return predict


def _maps(
    network: nn.Module, layer: str | None, images: Tensor, config: ExplainConfig, output: Output
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    asked = Question(network, layer, images, output)
    maps, reasons = draw_maps(asked, config.methods)
    plain = {str(name): stack.cpu().float().numpy() for name, stack in maps.items()}
    return plain, {str(name): reason for name, reason in reasons.items()}
