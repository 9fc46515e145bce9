"""Changed copies of training pairs, made once and after the split (seed 001).

A copy is turned, shifted, zoomed and perhaps mirrored, then in turn left as it is or filtered by
median, minimum, maximum or unsharp mask. Both images of a pair are changed alike.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.bone_suppression import OfflineConfig
from bmdpipe.pairs.vary import draw

Filter = Callable[[Tensor, OfflineConfig], Tensor]


def with_copies(pairs: Tensor, config: OfflineConfig, random: torch.Generator) -> Tensor:
    """The pairs `[n, 2, h, w]`, then their copies, `[n * (1 + copies), 2, h, w]`: all first copies,
    all second ones, and so on."""
    result = [pairs]
    for copy in range(config.copies):
        drawn = draw(len(pairs), tuple(pairs.shape[2:]), config.variation, random)
        changed = drawn.moved(pairs)
        # Which filter a pair gets goes round, so that each pair and each copy sees all of them.
        kinds = (torch.arange(len(pairs)) + copy) % len(FILTERS)
        for number, apply in enumerate(FILTERS.values()):
            chosen = kinds == number
            if chosen.any():
                changed[chosen] = apply(changed[chosen], config)
        result.append(changed.clamp(0, 1))
    return torch.cat(result)


def _as_it_is(pairs: Tensor, _config: OfflineConfig) -> Tensor:
    return pairs


def maximum(pairs: Tensor, config: OfflineConfig) -> Tensor:
    return functional.max_pool2d(pairs, config.window_px, 1, config.window_px // 2)


def minimum(pairs: Tensor, config: OfflineConfig) -> Tensor:
    return -maximum(-pairs, config)


def median(pairs: Tensor, config: OfflineConfig) -> Tensor:
    size, edge = config.window_px, config.window_px // 2
    padded = functional.pad(pairs, (edge,) * 4, mode="replicate")
    return padded.unfold(2, size, 1).unfold(3, size, 1).flatten(4).median(dim=4).values


def unsharp(pairs: Tensor, config: OfflineConfig) -> Tensor:
    """The image plus its difference from its local mean."""
    size, edge = config.window_px, config.window_px // 2
    padded = functional.pad(pairs, (edge,) * 4, mode="replicate")
    return pairs + config.unsharp * (pairs - functional.avg_pool2d(padded, size, 1))


FILTERS: dict[str, Filter] = {
    "none": _as_it_is,
    "median": median,
    "minimum": minimum,
    "maximum": maximum,
    "unsharp": unsharp,
}
