"""Found labels against the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from bmdpipe.core.labels import BACKGROUND, LABEL_NAMES
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.images import dice
from bmdpipe.evaluation.stages.grid import labels_on
from bmdpipe.evaluation.stages.quantity import Quantity

STRUCTURES = {name: value for value, name in LABEL_NAMES.items() if value != BACKGROUND}
QUANTITIES = (
    Quantity("dice", "Dice", "", "high"),
    Quantity("asd_mm", "average surface distance", "mm"),
    Quantity("predicted_dice_error", "predicted minus true Dice", "", "zero"),
)


def segmentation_errors(
    found: Volume, truth: Volume, predicted: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """A row per structure that the truth holds: Dice, average surface distance in mm, and how far
    the predicted Dice is off. The truth is brought to the found labels' grid."""
    truth = labels_on(truth, found)
    rows = []
    for name, value in STRUCTURES.items():
        true_mask, found_mask = truth.array == value, found.array == value
        if not true_mask.any():
            continue
        row: dict[str, Any] = {"structure": name, "dice": dice(true_mask, found_mask)}
        if found_mask.any():
            row["asd_mm"] = surface_distance_mm(true_mask, found_mask, found)
        if (expected := predicted.get(name, {}).get("predicted_dice")) is not None:
            row["predicted_dice"] = float(expected)
            row["predicted_dice_error"] = float(expected) - row["dice"]
        rows.append(row)
    return rows


def surface_distance_mm(a: NDArray[np.bool_], b: NDArray[np.bool_], grid: Volume) -> float:
    """Average symmetric surface distance of two masks on one grid, over both surfaces' points.

    Raises NotMeasurable if a mask is empty.
    """
    first, second = surface_points_mm(a, grid), surface_points_mm(b, grid)
    there = cKDTree(second).query(first)[0]
    back = cKDTree(first).query(second)[0]
    return float((there.sum() + back.sum()) / (len(there) + len(back)))


def surface_points_mm(mask: NDArray[np.bool_], grid: Volume) -> NDArray[np.float64]:
    """World centres `[n, 3]` of a mask's voxels that touch its outside across a face.

    Raises NotMeasurable if the mask is empty.
    """
    if not mask.any():
        raise NotMeasurable("the mask is empty")
    z, y, x = bounding_slices(mask)
    box = grid.crop(z, y, x)
    inside = mask[z, y, x]
    index = np.argwhere(inside & ~binary_erosion(inside))
    return box.world_at(index[:, ::-1])
