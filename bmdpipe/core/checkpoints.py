"""Weights and training state on disk: safetensors and JSON, verified by content, never a pickle.

A file holds named tensors and one JSON entry with what is not a tensor, the caller's `meta` and a
SHA-256 over all of it. A file appears whole or not at all, and equal content gives equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.errors import UsageError
from bmdpipe.core.provenance import canonical_json

ENTRY = "bmdpipe"


def save_weights(path: Path, module: torch.nn.Module, meta: Mapping[str, Any]) -> None:
    """Write a module's parameters and buffers, and `meta` (JSON) that says what they belong to."""
    _write(path, dict(module.state_dict()), tree=None, meta=meta)


def load_weights(
    path: Path, module: torch.nn.Module, expect: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Fill a module in place and return the file's meta.

    Raises UsageError where the file is missing or damaged, where its meta differs from an entry of
    `expect`, or where a tensor is missing, left over or of another shape.
    """
    tensors, _, meta = _read(path)
    _compare_meta(path, meta, expect)
    own = module.state_dict()
    for name in sorted(own.keys() - tensors.keys()):
        raise UsageError(f"{path} does not fit the model: it has no '{name}'")
    for name in sorted(tensors.keys() - own.keys()):
        raise UsageError(f"{path} does not fit the model: the model has no '{name}'")
    for name, tensor in own.items():
        if tensor.shape != tensors[name].shape:
            raise UsageError(
                f"{path} does not fit the model: '{name}' is {tuple(tensors[name].shape)} "
                f"in the file and {tuple(tensor.shape)} in the model"
            )
    module.load_state_dict(tensors)
    return meta


def save_state(path: Path, state: Mapping[Any, Any], meta: Mapping[str, Any] | None = None) -> None:
    """Write any nesting of dicts, lists and tuples of tensors, arrays, numbers, strings and None.

    Serves `state_dict()` of modules, optimisers and schedules.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = _flatten(state, "", tensors)
    _write(path, tensors, tree=tree, meta=meta or {})


def load_state(path: Path, expect: Mapping[str, Any] | None = None) -> dict[Any, Any]:
    """Read what `save_state` wrote, tensors on the CPU; refuses as `load_weights` does."""
    tensors, tree, meta = _read(path)
    _compare_meta(path, meta, expect)
    if tree is None:
        raise UsageError(f"{path} holds a model's weights, not the state of a training")
    return _restore(tree, tensors)


def _write(
    path: Path, tensors: dict[str, torch.Tensor], tree: Any, meta: Mapping[str, Any]
) -> None:
    # A copy each: safetensors refuses tensors that share memory.
    own = {
        name: t.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, t in tensors.items()
    }
    content = {"tree": tree, "meta": dict(meta)}
    content["sha256"] = _content_hash(own, content)
    with atomic_path(Path(path)) as part:
        # One entry only: the order of several would change from run to run.
        save_file(own, part, metadata={ENTRY: canonical_json(content)})


def _read(path: Path) -> tuple[dict[str, torch.Tensor], Any, dict[str, Any]]:
    if not Path(path).is_file():
        raise UsageError(f"{path} does not exist")
    try:
        with safe_open(path, framework="pt", device="cpu") as stream:
            header = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UsageError(f"{path} is damaged or no safetensors file: {error}") from None
    if ENTRY not in header:
        raise UsageError(f"{path} was not written by bmdpipe: it has no '{ENTRY}' entry")
    try:
        content = json.loads(header[ENTRY])
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} is damaged: {error}") from None
    stated = content.pop("sha256", None)
    if _content_hash(tensors, content) != stated:
        raise UsageError(f"{path} is damaged: its content does not have the hash it states")
    return tensors, content["tree"], content["meta"]


def _compare_meta(path: Path, meta: Mapping[str, Any], expect: Mapping[str, Any] | None) -> None:
    for key, wanted in (expect or {}).items():
        if canonical_json(meta.get(key)) != canonical_json(wanted):
            raise UsageError(
                f"{path} was made with another {key}: {meta.get(key)!r} instead of {wanted!r}"
            )


def _content_hash(tensors: Mapping[str, torch.Tensor], content: Mapping[str, Any]) -> str:
    total = hashlib.sha256(canonical_json(content).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(canonical_json([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _flatten(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """The JSON skeleton of a value, in which a container or tensor is a dict of its kind."""
    if isinstance(value, np.ndarray):
        return {"array": _flatten(torch.from_numpy(value), name, tensors)["tensor"]}
    if isinstance(value, torch.Tensor):
        unique = f"{len(tensors)}{name}"  # the keys 1 and "1" give one name
        tensors[unique] = value
        return {"tensor": unique}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str | int):
                raise TypeError(f"{name}: a key must be a string or a number, not {key!r}")
        return {"dict": [[k, _flatten(v, f"{name}/{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_flatten(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name}: a {type(value).__name__} cannot be saved")


def _restore(node: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "array":
        return tensors[content].numpy()
    if kind == "float":
        return float(content)
    if kind == "dict":
        return {key: _restore(child, tensors) for key, child in content}
    children = [_restore(child, tensors) for child in content]
    return children if kind == "list" else tuple(children)
