"""The tensors that a training holds, made from the pairs of its training folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bmdpipe.core.errors import UsageError
from bmdpipe.pairs.store import Case, Pairs


@dataclass(frozen=True)
class ImagePairs:
    """Radiographs (attenuation) and density projections (mg/cm2), both `[n, 1, h, w]`."""

    cases: tuple[str, ...]
    radiographs: Tensor
    projections: Tensor

    def __len__(self) -> int:
        return len(self.cases)

    @classmethod
    def of(cls, pairs: Pairs, kind: str) -> ImagePairs:
        return cls(
            tuple(case.name for case in pairs.cases),
            torch.from_numpy(pairs.images["radiograph"])[:, None],
            torch.from_numpy(pairs.images[kind])[:, None],
        )

    def to(self, device: torch.device) -> ImagePairs:
        return ImagePairs(self.cases, self.radiographs.to(device), self.projections.to(device))


@dataclass(frozen=True)
class ValuePairs:
    """Images `[n, 1, h, w]` (attenuation) and a value `[n]` each (BMD in its own unit)."""

    cases: tuple[str, ...]
    images: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.cases)

    def to(self, device: torch.device) -> ValuePairs:
        return ValuePairs(self.cases, self.images.to(device), self.values.to(device))


def with_values(pairs: Pairs, images: Tensor, value_of: Mapping[str, float | None]) -> ValuePairs:
    """Keep the cases whose subject has a value; raises UsageError if fewer than two have one."""
    kept = [i for i, case in enumerate(pairs.cases) if value_of.get(case.subject) is not None]
    if len({pairs.cases[i].subject for i in kept}) < 2:
        raise UsageError(
            "fewer than two training subjects have this BMD: leave the target out of "
            "study.targets, or fill in the cohort table"
        )
    return ValuePairs(
        tuple(pairs.cases[i].name for i in kept),
        images[kept],
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
