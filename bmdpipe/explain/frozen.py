"""A copy of a model that can be asked for gradients of its input and changes nothing."""

from __future__ import annotations

import copy

from torch import nn


def frozen(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose parameters want no gradient."""
    return copy.deepcopy(model).eval().requires_grad_(False)
