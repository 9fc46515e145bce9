"""What every training shares: epochs that can be killed and resumed, one log line each, a history.

All randomness of an epoch follows from the seed and the epoch's number, so that a resumed training
needs the weights and the optimisers' states only and goes on bit by bit as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from bmdpipe.core.checkpoints import load_state, save_state
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.interrupt import Terminated
from bmdpipe.core.provenance import digest

log = logging.getLogger(__name__)
NetworkT = TypeVar("NetworkT", bound=nn.Module)
Row = dict[str, float]
"""An epoch's mean losses by name, with `epoch`."""


@dataclass(frozen=True)
class Frame:
    """Where and how a training runs. `state` is the folder for resuming."""

    name: str
    state: Path
    device: torch.device
    autocast: bool
    seed: int
    checkpoint_every: int

    @classmethod
    def of(cls, name: str, state: Path, config: TrainingConfig) -> Frame:
        return cls(
            name=name,
            state=state,
            device=pick_device(config.device),
            autocast=config.precision == "bfloat16",
            seed=config.seed,
            checkpoint_every=config.checkpoint_every_epochs,
        )

    def precision(self) -> torch.autocast:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.autocast)


def place(network: NetworkT, device: torch.device) -> NetworkT:
    """Bring a network to a device, channels last: convolutions are faster so, on CPU and GPU."""
    network.to(device)
    # torch's own annotation of Module.to leaves the memory format out.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def seeded(*parts: object) -> int:
    """A seed that is the same in every process and differs between purposes."""
    return int(digest("/".join(str(part) for part in parts))[:15], 16)


def fresh(build: Callable[[], NetworkT], *seed: object) -> NetworkT:
    """Build a network whose weights follow from the seed; torch's global state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded(*seed))
        return build()


def batches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of one epoch in random order; the last batch may be smaller."""
    yield from torch.randperm(n, generator=generator).split(size)


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
    path = frame.state / f"{frame.name}.safetensors"
    history = _resume(path, modules, optimisers) if path.is_file() else []
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
            if (epoch + 1) % frame.checkpoint_every == 0 or epoch + 1 == n_epochs:
                save_state(path, state)
                unsaved = None
            else:
                unsaved = _on_cpu(state)
    except Terminated:
        if unsaved is not None:
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


def check_finite(loss: Tensor, name: str, cases: Sequence[str]) -> None:
    """Raise FloatingPointError that names the batch if the loss is NaN or infinite."""
    if not bool(torch.isfinite(loss)):
        raise FloatingPointError(
            f"the loss '{name}' became {float(loss.detach())} on the batch {', '.join(cases)}: "
            "look at these images, or lower the learning rate"
        )


class Mean:
    """Running means of named losses over an epoch, weighted by batch size."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._n = 0

    def add(self, n: int, **losses: Tensor) -> None:
        self._n += n
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros(())) + n * loss.detach().cpu()

    def row(self) -> Row:
        return {name: float(total) / self._n for name, total in self._sums.items()}


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
    history: list[Row] = state["history"]
    log.info("%s resumes after epoch %d", path.stem, len(history))
    return history
