"""Feature maps of a model and the gradient of its output with respect to them.

A model's output is one number per image: the BMD of a regression, or what `output` picks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Output = Callable[[Tensor], Tensor]
Represent = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Response:
    """Feature maps and the output's gradient there, both `[n, c, ...]`, and the output `[n]`."""

    features: Tensor
    gradient: Tensor
    output: Tensor


def one_number(output: Tensor) -> Tensor:
    """The output of a regression with one value per image, as `[n]`."""
    if output.numel() != output.shape[0]:
        raise ValueError(f"one value per image is needed, not {tuple(output.shape)}")
    return output.reshape(-1)


def at_layer(
    model: nn.Module, layer: nn.Module, x: Tensor, output: Output = one_number
) -> Response:
    """The response at the output of a layer inside a model, for images `x` `[n, c, ...]`.

    Raises ValueError if the layer is not run exactly once or leaves something else than a tensor.
    """
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple, result: Tensor) -> Tensor:
        if not isinstance(result, Tensor):
            raise ValueError(f"the layer leaves a {type(result).__name__}, not a tensor")
        seen.append(result if result.requires_grad else result.detach().requires_grad_(True))
        # A copy goes on, so that a later layer that works in place leaves the kept one alone.
        return seen[-1].clone()

    handle = layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            y = output(model(x))
    finally:
        handle.remove()
    if len(seen) != 1:
        raise ValueError(f"the layer ran {len(seen)} times, once is needed")
    return _response(seen[0], y)


def at_representation(
    represent: Represent, head: Represent, x: Tensor, output: Output = one_number
) -> Response:
    """The response at `represent(x)` of a model that is `head(represent(x))`."""
    with torch.no_grad():
        features = represent(x)
    with torch.enable_grad():
        features = features.detach().requires_grad_(True)
        y = output(head(features))
    return _response(features, y)


def _response(features: Tensor, y: Tensor) -> Response:
    # Outputs of different images do not share features, so that the sum's gradient is each one's.
    (gradient,) = torch.autograd.grad(y.sum(), features)
    return Response(features.detach(), gradient, y.detach())
