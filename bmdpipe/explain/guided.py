"""Guided backpropagation: at each rectifier only positive gradients of positive signals go back.

Source: Springenberg 2015, Striving for Simplicity, §3.4.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bmdpipe.explain.frozen import frozen
from bmdpipe.explain.operations import RECTIFIERS, Function, Watch
from bmdpipe.explain.response import Output, one_number


def guided_gradient(model: nn.Module, x: Tensor, output: Output = one_number) -> Tensor:
    """The guided gradient of the output with respect to images `[n, c, ...]`, of their shape.

    Raises ValueError if the model has no rectifier: the method is defined by them.
    """
    still = frozen(model)
    with torch.enable_grad():
        at = x.detach().clone().requires_grad_(True)
        with _Guide() as guide:
            y = output(still(at))
        if not guide.rectifiers:
            raise ValueError("guided backpropagation needs rectifiers and the model has none")
        (gradient,) = torch.autograd.grad(y.sum(), at)
    return gradient


class _Guide(Watch):
    def __init__(self) -> None:
        super().__init__()
        self.rectifiers = 0

    def on(self, name: str, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name not in RECTIFIERS:
            return func(*args, **kwargs)
        self.rectifiers += 1
        return _GuidedRectifier.apply(args[0])


class _GuidedRectifier(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient[0].clamp(min=0) * (x > 0)
