"""Class-selective relevance mapping: what the outputs lose when a place of the features is removed.

Source: Kim, Rajaraman and Antani 2019, Diagnostics 9:38 (incremental mean squared error of all
output nodes); seed 001.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmdpipe.explain.frozen import frozen

BATCH = 64


@torch.no_grad()
def removal_relevance(model: nn.Module, layer: str, x: Tensor) -> Tensor:
    """The squared change of all outputs, summed over them, when one place of the layer's feature
    maps is set to zero: `[n, ...]` on the features' grid, for images `[n, c, ...]`.

    Raises ValueError if the layer is not run exactly once.
    """
    copy = frozen(model)
    return torch.stack([_of_image(copy, copy.get_submodule(layer), image[None]) for image in x])


def _of_image(model: nn.Module, layer: nn.Module, image: Tensor) -> Tensor:
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _m, _i, result: seen.append(result.clone()))
    try:
        whole = _outputs(model(image))
    finally:
        handle.remove()
    if len(seen) != 1:
        raise ValueError(f"the layer ran {len(seen)} times, once is needed")
    features = seen[0]
    grid = features.shape[2:]
    places = torch.arange(grid.numel(), device=features.device)
    changes = []
    for chosen in places.split(BATCH):
        removed = features.flatten(2).repeat(len(chosen), 1, 1)
        removed.scatter_(2, chosen[:, None, None].expand(-1, removed.shape[1], 1), 0.0)
        changes.append((_from(model, layer, image, removed.unflatten(2, grid)) - whole) ** 2)
    return torch.cat(changes).sum(dim=1).reshape(grid)


def _from(model: nn.Module, layer: nn.Module, image: Tensor, features: Tensor) -> Tensor:
    """The outputs `[m, k]` of a model whose layer leaves these features `[m, c, ...]`: what comes
    before the layer runs once, for one image, and is replaced."""
    handle = layer.register_forward_hook(lambda _m, _i, _r: features)
    try:
        return _outputs(model(image))
    finally:
        handle.remove()


def _outputs(result: Tensor) -> Tensor:
    return result[:, None] if result.ndim == 1 else result.flatten(1)
