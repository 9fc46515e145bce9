"""What the trainings on radiographs share: networks from a seed, batches, means, a finite loss.

The epochs themselves are `core/epochs.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from bmdpipe.core.config.supervised import SupervisedConfig
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.epochs import Frame, Row, seeded

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def frame_of(name: str, state: Path, config: TrainingConfig | SupervisedConfig) -> Frame:
    """Where and how a training runs, by its config."""
    return Frame(
        name=name,
        state=state,
        device=pick_device(config.device),
        autocast=config.precision == "bfloat16",
        seed=config.seed,
        checkpoint_every=config.checkpoint_every_epochs,
    )


def place(network: NetworkT, device: torch.device) -> NetworkT:
    """Bring a network to a device, channels last: convolutions are faster so, on CPU and GPU."""
    network.to(device)
    # torch's own annotation of Module.to leaves the memory format out.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def fresh(build: Callable[[], NetworkT], *seed: object) -> NetworkT:
    """Build a network whose weights follow from the seed; torch's global state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded(*seed))
        return build()


def batches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of one epoch in random order; the last batch may be smaller."""
    yield from torch.randperm(n, generator=generator).split(size)


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
