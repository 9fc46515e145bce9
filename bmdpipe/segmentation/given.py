"""A user's own masks in place of the network's segmentation, under the same checks."""

from __future__ import annotations

import numpy as np

from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import BACKGROUND, BODIES, FEMUR_L, FEMUR_R
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.metal import metal
from bmdpipe.segmentation.mask_tables import Table, table_of
from bmdpipe.segmentation.structures import check_bones, volumes_ml, without_upper_spine
from bmdpipe.segmentation.subject import Measured, Segmented


def given_bones(
    masks: Volume, ct: Volume, subject: str, side: str, config: SegmentationConfig
) -> Segmented:
    """The segmentation that a user's label map on the CT's grid stands for.

    Raises CaseError E_SEGMENTATION where the map knows none of the bones or its femora lie on the
    wrong sides, and what `check_bones` raises; UsageError on a mask table that does not fit.
    """
    labels = own_labels(masks, table_of(config.mask_table))
    if not labels.array.any():
        hint = f"none of the label map's values is in the mask table {config.mask_table}"
        raise CaseError("E_SEGMENTATION", subject, hint)
    if _sides_swapped(labels):
        hint = "the label map's right femur lies to the left of its left one: check its orientation"
        raise CaseError("E_SEGMENTATION", subject, hint)
    if config.prediction.above_crest_mm is not None:
        labels = without_upper_spine(labels, config.prediction.above_crest_mm)
    labels.array[metal(ct)] = BACKGROUND
    warnings: tuple[CaseWarning, ...] = check_bones(labels, side, subject, config.prediction)
    structures = {
        name: Measured(volume) for name, volume in volumes_ml(labels).items() if volume > 0
    }
    return Segmented(labels, None, structures, warnings)


def own_labels(masks: Volume, table: Table) -> Volume:
    """The label map with our values of one with the values of `table`; all else is background."""
    array = np.zeros(masks.array.shape, dtype=np.uint8)
    for name, label in BODIES.items():
        array[np.isin(masks.array, table[name])] = label
    return masks.like(array, "label")


def _sides_swapped(labels: Volume) -> bool:
    columns = []
    for label in (FEMUR_R, FEMUR_L):
        along_x = (labels.array == label).sum(axis=(0, 1))
        if not along_x.any():
            return False
        columns.append(float(along_x @ np.arange(len(along_x)) / along_x.sum()))
    return columns[0] > columns[1]
