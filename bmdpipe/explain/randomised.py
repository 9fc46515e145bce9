"""Whether a map depends on what the model has learned: the same map from shuffled weights.

Source: Adebayo 2018, Sanity Checks for Saliency Maps.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

ModelT = TypeVar("ModelT", bound=nn.Module)


def with_shuffled_weights(model: ModelT, random: torch.Generator) -> ModelT:
    """A copy of the model in which the values of every parameter are shuffled among themselves, so
    that scales stay and what was learned goes."""
    shuffled = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in shuffled.parameters():
            order = torch.randperm(parameter.numel(), generator=random).to(parameter.device)
            parameter.copy_(parameter.reshape(-1)[order].reshape(parameter.shape))
    return shuffled


def map_similarity(first: NDArray, second: NDArray) -> float | None:
    """Spearman's rank correlation of two maps, near 1 where a map does not depend on the weights.

    None if a map is constant.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first.ravel(), second.ravel()).statistic)
