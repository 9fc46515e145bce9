"""The tensors that a training holds, made from the pairs of its training folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bmdpipe.core.errors import UsageError
from bmdpipe.pairs.mapped import ImageStack
from bmdpipe.pairs.store import Case, Pairs


@dataclass(frozen=True)
class ImagePairs:
    """Radiographs (attenuation) and density projections (mg/cm2) of named cases."""

    cases: tuple[str, ...]
    radiographs: ImageStack
    projections: ImageStack

    def __len__(self) -> int:
        return len(self.cases)

    @classmethod
    def of(cls, pairs: Pairs, kind: str) -> ImagePairs:
        return cls(
            tuple(case.name for case in pairs.cases),
            pairs.images["radiograph"],
            pairs.images[kind],
        )

    def batch(self, chosen: Tensor, device: torch.device) -> Tensor:
        """Radiographs and projections as two channels `[k, 2, h, w]`."""
        rows = chosen.numpy()
        both = np.stack([self.radiographs[rows], self.projections[rows]], axis=1)
        return on_device(both, device)


@dataclass(frozen=True)
class ValuePairs:
    """Images (attenuation) of named cases and a value `[n]` each (BMD in its own unit)."""

    cases: tuple[str, ...]
    images: ImageStack
    values: Tensor

    def __len__(self) -> int:
        return len(self.cases)

    def batch(self, chosen: Tensor, device: torch.device) -> Tensor:
        """Images `[k, 1, h, w]`."""
        return on_device(self.images[chosen.numpy()][:, None], device)


@dataclass(frozen=True)
class Part:
    """Some images of a stack, in another order."""

    whole: ImageStack
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.whole.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.float32]:
        return self.whole[self.rows[chosen]]


def on_device(images: NDArray[np.float32], device: torch.device) -> Tensor:
    """A batch on its device; to a GPU it travels beside the computation."""
    tensor = torch.from_numpy(images)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor


def with_values(
    pairs: Pairs, images: ImageStack, value_of: Mapping[str, float | None]
) -> ValuePairs:
    """Keep the cases whose subject has a value; raises UsageError if fewer than two have one."""
    kept = [i for i, case in enumerate(pairs.cases) if value_of.get(case.subject) is not None]
    if len({pairs.cases[i].subject for i in kept}) < 2:
        raise UsageError(
            "fewer than two training subjects have this BMD: leave the target out of "
            "study.targets, or fill in the cohort table"
        )
    return ValuePairs(
        tuple(pairs.cases[i].name for i in kept),
        Part(images, np.array(kept)),
        torch.tensor(values_of([pairs.cases[i] for i in kept], value_of)),
    )


def values_of(cases: list[Case], value_of: Mapping[str, float | None]) -> list[float]:
    """The BMD of each case's subject; raises KeyError if one has none."""
    values = []
    for case in cases:
        value = value_of[case.subject]
        if value is None:
            raise KeyError(case.subject)
        values.append(float(value))
    return values
