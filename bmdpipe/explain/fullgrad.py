"""FullGrad: the output as the sum of what the image and every bias contribute.

A network that is linear around an image is `f(x) = grad_x . x + sum_l grad_b . b` with the biases
of all layers; where a layer is no linear function, its implicit bias is what its tangent lacks.
Statistics of normalisations and computed gates are held constant. Source: Srinivas 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bmdpipe.explain.frozen import frozen
from bmdpipe.explain.operations import (
    ACTIVATIONS,
    ATTENTION,
    DIFFERENCES,
    GATES,
    MATRIX_PRODUCTS,
    NORMS,
    PRODUCTS,
    QUOTIENTS,
    SUMS,
    WEIGHTED,
    Function,
    Watch,
    activation_slope,
    held_attention,
    is_signal,
    norm_as_affine,
)
from bmdpipe.explain.response import Output, one_number
from bmdpipe.explain.upsample import to_size


@dataclass(frozen=True)
class FullGradient:
    """`image`: input times gradient `[n, c, ...]`. `biases`: each layer's bias times gradient, of
    the layer's shape. `output` `[n]` is the sum of them all."""

    image: Tensor
    biases: tuple[Tensor, ...]
    output: Tensor

    @property
    def total(self) -> Tensor:
        """The sum `[n]` of all contributions; equals `output`.

        Windows of attention stand beside each other in a layer's batch, an image's together.
        """
        parts = (self.image, *self.biases)
        n = len(self.output)
        return torch.stack([p.double().reshape(n, -1).sum(dim=1) for p in parts]).sum(dim=0)

    def map(self) -> Tensor:
        """`psi(image) + sum over layers and channels of psi(bias)`, `[n, ...]` of the image's size;
        psi is the absolute value, scaled to a largest of 1 and interpolated (Srinivas 2019, eq. 4).

        Layers without an extent in space, such as a classifier, have no place in a map.
        """
        space = self.image.shape[2:]
        total = _scaled(self.image).sum(dim=1)
        for bias in self.biases:
            if bias.ndim == self.image.ndim and max(bias.shape[2:]) > 1:
                # Interpolation is linear: the sum over channels may come before it.
                total = total + to_size(_scaled(bias).sum(dim=1), space)
        return total


def full_gradient(model: nn.Module, x: Tensor, output: Output = one_number) -> FullGradient:
    """The contributions of images `[n, c, ...]` and biases to the output."""
    still = frozen(model)
    with torch.enable_grad():
        at = x.detach().clone().requires_grad_(True)
        with _Biases() as seen:
            y = output(still(at))
        found = torch.autograd.grad(y.sum(), [at, *seen.biases], allow_unused=True)
    biases = tuple(
        (b * g).detach() for b, g in zip(seen.biases, found[1:], strict=True) if g is not None
    )
    return FullGradient((at * found[0]).detach(), biases, y.detach().double())


def _scaled(part: Tensor) -> Tensor:
    """Absolute values of each channel over its own largest."""
    size = part.abs()
    largest = size.flatten(2).amax(dim=2).reshape(*part.shape[:2], *[1] * (part.ndim - 2))
    return torch.where(largest > 0, size / torch.where(largest > 0, largest, 1.0), 0.0)


class _Biases(Watch):
    def __init__(self) -> None:
        super().__init__()
        self.biases: list[Tensor] = []

    def on(self, name: str, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name in GATES:
            return func(args[0].detach(), *args[1:], **kwargs)
        if name in WEIGHTED:
            return self._weighted(func, args, kwargs)
        if name in NORMS:
            x = args[0] if args else kwargs["input"]
            a, c = norm_as_affine(name, args, kwargs)
            return a * x + self._leaf(c.expand(x.shape))
        if name in ACTIVATIONS:
            return self._tangent(func, args[0] if args else kwargs.pop("input"), args[1:], kwargs)
        if name == ATTENTION:
            weights, value = held_attention(*args, **kwargs)
            return weights @ value
        both = [t for t in args[:2] if is_signal(t)]
        if name in PRODUCTS and len(both) == 2:
            a, b = both
            held = a.detach() * b.detach()
            return a * b.detach() + a.detach() * b + self._leaf(-held)
        if len(args) > 1 and is_signal(args[1]) and name in (QUOTIENTS | MATRIX_PRODUCTS):
            if name in QUOTIENTS:
                raise ValueError("a quotient by a signal has no rule")
            if is_signal(args[0]):
                return self._leaf(func(args[0].detach(), args[1].detach()))
        if name in SUMS | DIFFERENCES and len(list(filter(is_signal, args))) == 1:
            return self._with_constant(func, args, kwargs)
        return func(*args, **kwargs)

    def _with_constant(
        self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        """A sum of a signal and what is none, which is a bias."""
        alone = (torch.zeros_like(t) if is_signal(t) else t for t in args)
        constant: Tensor = func(*alone, **kwargs)
        made: Tensor = func(*args, **kwargs)
        return made - constant + self._leaf(constant)

    def _weighted(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        rest = {k: v for k, v in given.items() if k not in ("input", "weight", "bias")}
        made: Tensor = func(given["input"], given["weight"], None, *args[3:], **rest)
        bias = given.get("bias")
        if bias is None:
            return made
        channels = made.ndim - 1 if func.__name__ == "linear" else 1
        shape = [1] * made.ndim
        shape[channels] = -1
        return made + self._leaf(bias.reshape(shape).expand(made.shape))

    def _tangent(self, func: Function, x: Tensor, args: tuple[Any, ...], kwargs: Any) -> Tensor:
        slope = activation_slope(func, x, args, kwargs)
        with torch.no_grad():
            lacking = func(x.detach().clone(), *args, **kwargs) - slope * x
        line = slope * x
        return line + self._leaf(lacking) if bool((lacking != 0).any()) else line

    def _leaf(self, bias: Tensor) -> Tensor:
        leaf = bias.detach().clone().requires_grad_(True)
        self.biases.append(leaf)
        return leaf
