"""Whether a map shows what the model uses: deletion and insertion, against random orders.

Deletion removes the cells of the image from the most to the least important; the faster the output
leaves its value, the better the map. Insertion adds them to an empty image; the faster the output
comes back, the better. Source: Petsiuk 2018 (RISE); distances are in the output's own unit because
a regression's output is no probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

Predict = Callable[[Tensor], Tensor]
BATCH = 32


@dataclass(frozen=True)
class Faithfulness:
    """Mean distance of the output from the whole image's, over the inner steps of the curve, in
    the output's unit: the map's order (`deletion`, `insertion`) and the mean over random orders.

    `*_gain` is the ratio of both, turned so that above 1 is better than random; `*_rank` is the
    share of random orders that the map beats. A gain is None where the output does not move.
    """

    deletion: float
    deletion_random: float
    deletion_gain: float | None
    deletion_rank: float
    insertion: float
    insertion_random: float
    insertion_gain: float | None
    insertion_rank: float


@torch.no_grad()
def faithfulness(
    predict: Predict,
    image: Tensor,
    maps: Mapping[str, NDArray],
    cells: int,
    steps: int,
    random_orders: int,
    random: Generator,
) -> dict[str, Faithfulness]:
    """Deletion and insertion of one image `[c, ...]` by each of its attention maps `[...]`, all
    against the same random orders.

    `predict` maps `[n, c, ...]` to `[n]`. Cells are squares or cubes, `cells` along the longest
    side; a removed cell takes the mean of the image.
    """
    label = cell_labels(tuple(image.shape[1:]), cells)
    count = int(label.max()) + 1
    # The ends of a curve, nothing and everything removed, are the same for every order.
    stops = np.unique(np.linspace(0, count, min(steps, count) + 1)[1:-1].round().astype(int))
    whole = float(predict(image[None])[0])

    def areas(order: NDArray[np.int64]) -> tuple[float, float]:
        return _areas(predict, image, whole, label, order, stops)

    others = np.array([areas(random.permutation(count)) for _ in range(random_orders)])
    return {
        name: _against(areas(_order(attention, label)), others) for name, attention in maps.items()
    }


def _order(attention: NDArray, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cells from the highest to the lowest mean of the map."""
    total = np.bincount(label.ravel(), attention.ravel().astype(float))
    return np.argsort(-total / np.bincount(label.ravel()), kind="stable")


def _against(areas: tuple[float, float], others: NDArray[np.float64]) -> Faithfulness:
    deletion, insertion = areas
    random_deletion, random_insertion = (float(mean) for mean in others.mean(axis=0))
    return Faithfulness(
        deletion=deletion,
        deletion_random=random_deletion,
        deletion_gain=_ratio(deletion, random_deletion),
        deletion_rank=float((others[:, 0] < deletion).mean()),
        insertion=insertion,
        insertion_random=random_insertion,
        insertion_gain=_ratio(random_insertion, insertion),
        insertion_rank=float((others[:, 1] > insertion).mean()),
    )


def cell_labels(shape: tuple[int, ...], cells: int) -> NDArray[np.int64]:
    """The number of the cell in which each place of the shape lies, counted without gaps."""
    side = max(shape) / cells
    label = np.zeros((), dtype=np.int64)
    for length in shape:
        place = (np.arange(length) / side).astype(np.int64)
        label = label[..., None] * (place[-1] + 1) + place
    return label


def _areas(
    predict: Predict,
    image: Tensor,
    whole: float,
    label: NDArray[np.int64],
    order: NDArray[np.int64],
    stops: NDArray[np.int64],
) -> tuple[float, float]:
    """Mean distance from the whole image's output along the deletion and the insertion curve."""
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    rank = torch.from_numpy(place[label]).to(image.device)
    bounds = torch.from_numpy(stops).to(image.device)
    each = (-1, *[1] * rank.ndim)
    chosen = (rank[None] < bounds.reshape(each))[:, None]
    empty = image.flatten(1).mean(dim=1).reshape(each)
    deletion = _distance(predict, torch.where(chosen, empty, image), whole)
    insertion = _distance(predict, torch.where(chosen, image, empty), whole)
    return deletion, insertion


def _distance(predict: Predict, images: Tensor, whole: float) -> float:
    outputs = torch.cat([predict(part) for part in images.split(BATCH)])
    return float((outputs.double() - whole).abs().mean())


def _ratio(better: float, worse: float) -> float | None:
    return better / worse if worse > 0 else None
