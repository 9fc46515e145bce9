"""Layer-wise relevance propagation through whole networks, so that relevance is conserved.

The network runs once under a mode that gives every operation a rule in place of its gradient; the
"gradient" of the output with respect to the image then is the relevance. Branches add up, sums and
products share, concatenations and poolings hand on, normalisations pass element by element with
their statistics held. Sources: Bach 2015; Montavon 2019; Otsuki 2024 (residual connections); Ali
2022 (normalisation); Achtibat 2024 (products, attention weights held).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bmdpipe.explain.frozen import frozen
from bmdpipe.explain.lrp_rules import Linear, PassAll, Propagate, Rule, Split, Stop
from bmdpipe.explain.operations import (
    ACTIVATIONS,
    ATTENTION,
    AVERAGES,
    DIFFERENCES,
    GATES,
    MATRIX_PRODUCTS,
    MOVES,
    NORMS,
    PRODUCTS,
    QUOTIENTS,
    SUMS,
    WEIGHTED,
    Function,
    Watch,
    held_attention,
    is_signal,
)
from bmdpipe.explain.response import Output, one_number


@dataclass(frozen=True)
class Relevance:
    """Relevance of an image's elements, of its shape `[n, c, ...]`, and the output `[n]` that it
    was shared out from."""

    image: Tensor
    output: Tensor

    @property
    def leak(self) -> Tensor:
        """The share `[n]` of the output that did not arrive, 0 where all is conserved."""
        arrived = self.image.flatten(1).double().sum(dim=1)
        return (arrived - self.output).abs() / self.output.abs()


def relevance(
    model: nn.Module,
    x: Tensor,
    output: Output = one_number,
    rule: Rule = "positive",
    dense_rule: Rule = "epsilon",
) -> Relevance:
    """Relevance of images `[n, c, ...]` for the output.

    `dense_rule` is for fully connected layers, `rule` for all other linear operations. Raises
    ValueError on an operation without a rule, or if the output is a probability: its gate is held
    constant, so that only what stands before it can be explained.
    """
    still = frozen(model)
    with torch.enable_grad():
        at = x.detach().clone().requires_grad_(True)
        with _Rules(rule, dense_rule):
            y = output(still(at))
        if not y.requires_grad:
            raise ValueError(
                "nothing of the output goes back: explain the logit, not a probability"
            )
        (found,) = torch.autograd.grad(y, at, y.detach())
    return Relevance(found, y.detach().double())


class _Rules(Watch):
    def __init__(self, rule: Rule, dense_rule: Rule) -> None:
        super().__init__()
        self.rule, self.dense_rule = rule, dense_rule

    def on(self, name: str, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name in MOVES:
            return func(*args, **kwargs)
        if name in GATES:
            return func(args[0].detach(), *args[1:], **kwargs)
        if name in ACTIVATIONS or name in NORMS:
            x, rest = _first(args, kwargs)
            return PassAll.apply(x, func(x.detach().clone(), *args[1:], **rest))
        if name in AVERAGES:
            x, rest = _first(args, kwargs)
            return self._linear(x, None, lambda t, _: func(t, *args[1:], **rest), None, self.rule)
        if name in WEIGHTED:
            return self._weighted(func, args, kwargs)
        if name == ATTENTION:
            return self._attention(args, kwargs)
        return self._pair(name, func, args, kwargs)

    def _weighted(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        rest = {k: v for k, v in given.items() if k not in ("input", "weight", "bias")}
        x, weight, bias = given["input"], given["weight"], given.get("bias")

        def f(t: Tensor, w: Tensor | None) -> Tensor:
            made: Tensor = func(t, w, None, *args[3:], **rest)
            return made

        dense = func.__name__ == "linear" and x.ndim == 2
        value = func(x.detach(), weight, bias, *args[3:], **rest)
        return self._linear(x, weight, f, value, self.dense_rule if dense else self.rule)

    def _attention(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        weights, value = held_attention(*args, **kwargs)

        def f(t: Tensor, w: Tensor | None) -> Tensor:
            assert w is not None
            return w @ t

        return self._linear(value, weights, f, None, self.rule)

    def _pair(
        self, name: str, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        a: Any = args[0]
        b: Any = args[1] if len(args) > 1 else kwargs.get("other")
        value = func(*(_held(t) for t in args), **{k: _held(t) for k, t in kwargs.items()})
        if is_signal(a) and is_signal(b):
            if name in SUMS or name in DIFFERENCES:
                return Split.apply(a, b, value, False)
            if name in PRODUCTS:
                return Split.apply(a, b, value, True)
            if name in QUOTIENTS:
                raise ValueError("a quotient of two signals has no rule")
            return Stop.apply(a, b, value)
        if name in MATRIX_PRODUCTS:
            if is_signal(a):
                return self._linear(a, b, lambda t, w: func(t, w), value, self.rule)
            return self._linear(b, a, lambda t, w: func(w, t), value, self.rule)
        signal = a if is_signal(a) else b
        if name in QUOTIENTS and signal is b:
            raise ValueError("a quotient by a signal has no rule")
        return PassAll.apply(signal.expand(value.shape), value)

    @staticmethod
    def _linear(
        x: Tensor, weight: Tensor | None, f: Linear, value: Tensor | None, rule: Rule
    ) -> Tensor:
        made = f(x.detach(), weight) if value is None else value
        return Propagate.apply(x, made, f, weight, rule)


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
    """The signal, given by place or by name, and the arguments by name that remain."""
    if args:
        return args[0], kwargs
    return kwargs["input"], {k: v for k, v in kwargs.items() if k != "input"}


def _held(value: Any) -> Any:
    # A copy, so that an operation in place leaves the signal's own values alone.
    return value.detach().clone() if isinstance(value, Tensor) else value
