"""Which tensor operations a network may consist of, by what they do to a signal.

Guided backpropagation, LRP and FullGrad each run a network under a mode that sees every operation
by name and decides how its gradient is formed; so residual sums, concatenations and functional
layers are seen like modules. An operation that is in none of these tables is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


WEIGHTED = _names("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d linear")
"""Linear with a weight and a bias: `f(x, weight, bias, ...)`."""
AVERAGES = _names(
    "mean sum avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
    "adaptive_avg_pool3d interpolate"
)
"""Linear with fixed weights that are not negative."""
RECTIFIERS = _names("relu relu_")
ACTIVATIONS = RECTIFIERS | _names(
    "leaky_relu leaky_relu_ gelu silu elu celu selu tanh hardtanh relu6 hardswish softplus "
    "prelu mish clamp clamp_min neg __neg__"
)
"""A function of each element alone."""
NORMS = _names("batch_norm group_norm instance_norm layer_norm")
GATES = _names("sigmoid hardsigmoid softmax log_softmax")
"""Weights that the network computes for a signal; held constant (Arras 2017)."""
SUMS = _names("add __add__ __radd__ __iadd__ add_")
DIFFERENCES = _names("sub __sub__ __isub__ sub_")
PRODUCTS = _names("mul __mul__ __rmul__ __imul__ mul_ multiply")
QUOTIENTS = _names("div __truediv__ __itruediv__ div_")
MATRIX_PRODUCTS = _names("matmul __matmul__ bmm")
ATTENTION = "scaled_dot_product_attention"
MOVES = _names(
    "cat concat stack reshape view view_as flatten unflatten permute transpose swapaxes "
    "movedim squeeze unsqueeze expand __getitem__ gather select narrow chunk split unbind pad "
    "pixel_shuffle pixel_unshuffle roll flip contiguous clone to float double type_as dropout "
    "dropout2d dropout3d alpha_dropout max_pool1d max_pool2d max_pool3d "
    "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
    "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax max topk "
    "channel_shuffle detach"
)
"""Elements change place, or the largest win: the plain gradient carries all of a signal."""
QUERIES = _names(
    "__get__ size dim numel is_floating_point element_size stride is_contiguous __len__ "
    "device __format__ __repr__ requires_grad_ register_hook __hash__ get_device zeros_like "
    "ones_like new_zeros new_ones ndimension"
)
"""What asks for a shape or a constant and carries no signal."""

Function = Callable[..., Any]


class Watch(TorchFunctionMode):
    """Calls `on(name, func, args, kwargs)` for each operation that a gradient passes.

    Within `on` the mode is off. Raises ValueError on an operation that no table holds.
    """

    known = (
        WEIGHTED
        | AVERAGES
        | ACTIVATIONS
        | NORMS
        | GATES
        | SUMS
        | DIFFERENCES
        | PRODUCTS
        | QUOTIENTS
        | MATRIX_PRODUCTS
        | {ATTENTION}
        | MOVES
    )

    def __torch_function__(
        self,
        func: Function,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        name = getattr(func, "__name__", str(func))
        if name in QUERIES or not any(t.requires_grad for t in tensors_in((args, given))):
            return func(*args, **given)
        if name not in self.known:
            raise ValueError(f"no rule is known for the operation '{name}'")
        return self.on(name, func, tuple(args), given)

    def on(self, name: str, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the operation leaves; here what it always does."""
        raise NotImplementedError


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in a nesting of tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from tensors_in(inner)


def is_signal(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def held_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001 - torch's own signature
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Tensor, Tensor]:
    """The softmax of scaled dot-product attention, held constant, and the signal that it weighs.

    Raises ValueError on causal and on grouped attention.
    """
    if is_causal or enable_gqa:
        raise ValueError("causal and grouped attention have no rule")
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    logits = query.detach() @ key.detach().transpose(-2, -1) * factor
    if attn_mask is not None:
        logits = (
            logits.masked_fill(~attn_mask, -torch.inf)
            if attn_mask.dtype == torch.bool
            else logits + attn_mask
        )
    return logits.softmax(dim=-1), value


def norm_as_affine(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Tensor, Tensor]:
    """`a` and `c`, broadcastable, with which a normalisation is `a x + c`, its mean and variance
    held constant (Ali 2022 for layer normalisation)."""
    keys = {
        "batch_norm": "input running_mean running_var weight bias training momentum eps",
        "group_norm": "input num_groups weight bias eps",
        "instance_norm": "input running_mean running_var weight bias use_input_stats momentum eps",
        "layer_norm": "input normalized_shape weight bias eps",
    }[name].split()
    given = dict(zip(keys, args, strict=False)) | dict(kwargs)
    x: Tensor = given["input"].detach()
    eps = given.get("eps", 1e-5)
    if name == "layer_norm":
        dims = tuple(range(x.ndim - len(given["normalized_shape"]), x.ndim))
        mean, var = x.mean(dims, keepdim=True), x.var(dims, unbiased=False, keepdim=True)
        shape: tuple[int, ...] = tuple(given["normalized_shape"])
    else:
        shape = (1, x.shape[1], *[1] * (x.ndim - 2))
        mean, var = _statistics(name, x, given, shape)
    scale = (var + eps).rsqrt()
    weight, bias = given.get("weight"), given.get("bias")
    a = scale if weight is None else scale * weight.detach().reshape(shape)
    c = -mean * a
    return a, c if bias is None else c + bias.detach().reshape(shape)


def _statistics(
    name: str, x: Tensor, given: Mapping[str, Any], shape: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    if name == "batch_norm":
        if given.get("training", False):
            raise ValueError("batch normalisation in training mode mixes images: use model.eval()")
        return given["running_mean"].reshape(shape), given["running_var"].reshape(shape)
    groups = given["num_groups"] if name == "group_norm" else x.shape[1]
    grouped = x.reshape(x.shape[0], groups, -1)
    each = (x.shape[0], groups, *[1] * (x.ndim - 2))
    per_group = x.shape[1] // groups
    mean = grouped.mean(-1).reshape(each).repeat_interleave(per_group, dim=1)
    var = grouped.var(-1, unbiased=False).reshape(each).repeat_interleave(per_group, dim=1)
    return mean, var


def activation_slope(func: Function, x: Tensor, args: tuple[Any, ...], kwargs: Any) -> Tensor:
    """The derivative of an elementwise function at x, without a graph."""
    with torch.enable_grad():
        at = x.detach().clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(func(at.clone(), *args, **kwargs).sum(), at)
    return slope
