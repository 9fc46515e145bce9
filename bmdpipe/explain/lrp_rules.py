"""How relevance goes back through one operation. Every rule hands on all that it is given.

A linear operation without its bias is `z_j = sum_i x_i w_ij`; relevance R_j goes to the inputs in
proportion to their contributions c_ij, `R_i = sum_j R_j c_ij / sum_i c_ij`. What a bias explains is
thereby shared among the inputs. Sources: Bach 2015; Montavon 2019 (rules as modified gradients).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

Rule = Literal["positive", "epsilon"]
Linear = Callable[[Tensor, Tensor | None], Tensor]
"""`f(x, weight)`, linear in both and without bias; the weight is None where it is fixed."""
SMALL = 1e-9


class Propagate(torch.autograd.Function):
    """A linear operation whose gradient is relevance by a rule.

    `value` is what the operation leaves, with its bias; `f` and `weight` say how it came about.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, value: Tensor, f: Linear, weight: Tensor | None, rule: Rule
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.f, ctx.weight, ctx.rule = f, weight, rule
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        back = by_contribution if ctx.rule == "positive" else by_epsilon
        return back(x, relevance[0], ctx.f, ctx.weight), None, None, None, None


def by_epsilon(x: Tensor, relevance: Tensor, f: Linear, weight: Tensor | None) -> Tensor:
    """c_ij = x_i w_ij, the sum kept away from zero by 1e-9 (Bach 2015, eq. 58)."""
    return _share(x, relevance, lambda part: f(part, weight), signed=True)


def by_contribution(x: Tensor, relevance: Tensor, f: Linear, weight: Tensor | None) -> Tensor:
    """c_ij = max(x_i w_ij, 0) (Bach 2015, alpha 1, beta 0).

    Where an output has no positive contribution, |x_i w_ij| takes its place, and where it has none
    at all, as in an empty background, its inputs share alike.
    """
    plus, minus = x.clamp(min=0), x.clamp(max=0)
    up = None if weight is None else weight.clamp(min=0)
    down = None if weight is None else weight.clamp(max=0)

    with torch.enable_grad():
        a, b = plus.detach().requires_grad_(True), minus.detach().requires_grad_(True)
        total = f(a, up)
        inputs = [a]
        if weight is not None and bool((minus < 0).any()):
            total = total + f(b, down)
            inputs.append(b)
    found = total > _floor(total)
    quotient = torch.where(found, relevance / torch.where(found, total, 1.0), 0.0)
    gradients = torch.autograd.grad(total, inputs, quotient.detach())
    result = sum((i.detach() * g for i, g in zip(inputs, gradients, strict=True)), 0 * x)
    rest = torch.where(found, 0.0, relevance)
    if not bool((rest != 0).any()):
        return result
    size = None if weight is None else weight.abs()
    by_size = f(x.abs(), size)
    found = by_size > _floor(by_size)
    some = torch.where(found, rest, 0.0)
    result = result + _share(x.abs(), some, lambda part: f(part, size))
    rest = torch.where(found, 0.0, rest)
    if not bool((rest != 0).any()):
        return result
    alike = None if weight is None else torch.ones_like(weight)
    return result + _share(torch.ones_like(x), rest, lambda part: f(part, alike))


def _share(
    x: Tensor, relevance: Tensor, f: Callable[[Tensor], Tensor], signed: bool = False
) -> Tensor:
    with torch.enable_grad():
        at = x.detach().requires_grad_(True)
        z = f(at)
        below = z.detach()
        below = below + torch.where(below >= 0, SMALL, -SMALL) if signed else below
        below = torch.where(below == 0, 1.0, below)
        (gradient,) = torch.autograd.grad(z, at, (relevance / below).detach())
    return at.detach() * gradient


def _floor(total: Tensor) -> float:
    """Below this a sum of contributions is rounding, and a quotient by it would overflow."""
    return 1e-12 * float(total.detach().abs().max())


class PassAll(torch.autograd.Function):
    """An operation of each element alone: all relevance goes to that element."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:  # noqa: ARG004
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return relevance[0], None


class Split(torch.autograd.Function):
    """A sum or product of two signals: shares `|a|` and `|b|` of a sum (Otsuki 2024, for residual
    connections), halves of a product (Achtibat 2024)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, value: Tensor, halves: bool) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.halves = halves
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        r = relevance[0]
        both = a.abs() + b.abs()
        share = torch.where(both > 0, a.abs() / torch.where(both > 0, both, 1.0), 0.5)
        first = 0.5 * r if ctx.halves else share * r
        return _like(first, a), _like(r - first, b), None, None


def _like(relevance: Tensor, x: Tensor) -> Tensor:
    """Summed over the axes along which x was repeated."""
    return relevance.sum_to_size(x.shape)


class Stop(torch.autograd.Function):
    """A product of two signals that no rule covers: it may be made, but not explained."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, value: Tensor) -> Tensor:  # noqa: ARG004
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[None, ...]:  # noqa: ARG004
        raise ValueError("relevance has no rule through a matrix product of two signals")
