"""Epochs that can be killed and resumed, with a log line each and a history: of every training.

All randomness of an epoch follows from the seed and the epoch's number, so that a resumed training
needs the weights and the optimisers' states only and goes on bit by bit as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bmdpipe.core.checkpoints import load_state, save_state
from bmdpipe.core.interrupt import Terminated
from bmdpipe.core.provenance import digest

log = logging.getLogger(__name__)
Row = dict[str, float]
"""An epoch's mean losses by name, with `epoch`."""


@dataclass(frozen=True)
class Frame:
    """Where and how a training runs. `state` is the folder for resuming, None to keep nothing."""

    name: str
    state: Path | None
    device: torch.device
    autocast: bool
    seed: int
    checkpoint_every: int

    def precision(self) -> torch.autocast:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.autocast)


def seeded(*parts: object) -> int:
    """A seed that is the same in every process and differs between purposes."""
    return int(digest("/".join(str(part) for part in parts))[:15], 16)


def run_epochs(
    frame: Frame,
    n_epochs: int,
    modules: Mapping[str, nn.Module],
    optimisers: Mapping[str, torch.optim.Optimizer],
    one_epoch: Callable[[int, torch.Generator], Row],
    images_per_epoch: int,
) -> list[Row]:
    """Run `one_epoch(epoch, generator)` for all epochs that are not done yet; the whole history.

    The state is written every `checkpoint_every` epochs, after the last, and when the job is
    terminated: then that of the last whole epoch.
    """
    path = frame.state / f"{frame.name}.safetensors" if frame.state is not None else None
    history = _resume(path, modules, optimisers) if path is not None and path.is_file() else []
    unsaved: dict[str, Any] | None = None
    try:
        for epoch in range(len(history), n_epochs):
            start = time.perf_counter()
            generator = torch.Generator().manual_seed(
                seeded(frame.seed, frame.name, "epoch", epoch)
            )
            with torch.random.fork_rng():
                torch.manual_seed(seeded(frame.seed, frame.name, "network", epoch))
                row = one_epoch(epoch, generator)
            history.append({"epoch": float(epoch), **row})
            rate = images_per_epoch / (time.perf_counter() - start)
            losses = " ".join(f"{name}={value:.4g}" for name, value in row.items())
            log.info(
                "%s epoch %d/%d %s %.1f images/s", frame.name, epoch + 1, n_epochs, losses, rate
            )
            state = {
                "modules": {name: m.state_dict() for name, m in modules.items()},
                "optimisers": {name: o.state_dict() for name, o in optimisers.items()},
                "history": list(history),
            }
            if path is None:
                continue
            if (epoch + 1) % frame.checkpoint_every == 0 or epoch + 1 == n_epochs:
                # No epoch begins before this is written, so that it needs no copy.
                unsaved = state
                save_state(path, state)
                unsaved = None
            else:
                unsaved = _on_cpu(state)
    except Terminated:
        if path is not None and unsaved is not None:
            save_state(path, unsaved)
            log.info("%s was terminated; %d epochs are kept", frame.name, len(unsaved["history"]))
        raise
    return history


def _on_cpu(state: Any) -> Any:
    """A copy of nested dicts and lists that shares no tensor with the original."""
    if isinstance(state, Tensor):
        return state.detach().cpu().clone()
    if isinstance(state, Mapping):
        return {key: _on_cpu(value) for key, value in state.items()}
    return [_on_cpu(value) for value in state] if isinstance(state, list) else state


def _lay_out(optimiser: torch.optim.Optimizer) -> None:
    """Give each moment its weight's memory format, which no file keeps.

    A fused step goes through memory as it lies: with moments in another order than their weights it
    would pair the wrong ones, and say nothing.
    """
    for weight, kept in optimiser.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                kept[name] = torch.empty_like(weight).copy_(value)


def _resume(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimisers: Mapping[str, torch.optim.Optimizer],
) -> list[Row]:
    state = load_state(path)
    for name, module in modules.items():
        module.load_state_dict(state["modules"][name])
    for name, optimiser in optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
        _lay_out(optimiser)
    history: list[Row] = state["history"]
    log.info("%s resumes after epoch %d", path.stem, len(history))
    return history
