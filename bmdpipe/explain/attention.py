"""Attention maps of a regression network for a few images, each with its checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.explain.faithfulness import Faithfulness, faithfulness
from bmdpipe.explain.gradram import MAPS
from bmdpipe.explain.randomised import map_similarity, with_shuffled_weights
from bmdpipe.explain.response import at_layer
from bmdpipe.explain.upsample import to_size


@dataclass(frozen=True)
class Attention:
    """A map `[h, w]` of an image's size, whether the model uses what it shows (`faithfulness`), and
    how like the map of shuffled weights it is (`shuffled_similarity`, a rank correlation)."""

    image: NDArray[np.float32]
    faithfulness: Faithfulness
    shuffled_similarity: float | None


def attend(
    network: nn.Module, layer: str, images: Tensor, config: ExplainConfig, output_scale: float
) -> list[dict[str, Attention]]:
    """For each image `[n, c, h, w]`, in the network's units, every configured map by name.

    `layer` names the module whose feature maps are explained; `output_scale` turns the network's
    output into the unit in which faithfulness is given.
    """
    shuffled = with_shuffled_weights(network, torch.Generator().manual_seed(config.seed))
    maps = _maps(network, layer, images, config)
    others = _maps(shuffled, layer, images, config)
    random = np.random.default_rng(config.seed)

    def predict(part: Tensor) -> Tensor:
        value: Tensor = network(part) * output_scale
        return value

    result = []
    for row, image in enumerate(images):
        own = {name: stack[row] for name, stack in maps.items()}
        scores = faithfulness(
            predict,
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
                    own[name], scores[name], map_similarity(own[name], others[name][row])
                )
                for name in own
            }
        )
    return result


def _maps(
    network: nn.Module, layer: str, images: Tensor, config: ExplainConfig
) -> dict[str, NDArray[np.float32]]:
    response = at_layer(network, network.get_submodule(layer), images)
    return {
        name: to_size(MAPS[name](response), images.shape[2:]).cpu().float().numpy()
        for name in config.methods
    }
