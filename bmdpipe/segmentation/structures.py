"""From classes to bones: which pieces count, which femur is whose, and whether it is all there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.segmentation import SegmentationPrediction
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import (
    BACKGROUND,
    BODIES,
    FEMUR_L,
    FEMUR_R,
    LABEL_NAMES,
    PELVIS,
    femur_label,
)
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.segmentation.classes import FEMUR_CLASS, PELVIS_CLASS

APART_MM = 80.0
"""Less than any two hips' femora are apart, more than two pieces of one femur (own choice)."""
SECOND_SHARE = 0.1
"""A smaller second femur is a speck (own choice)."""
ILIUM_MM = 60.0
"""Lumbar transverse processes end within this of the middle, iliac crests lie beyond it."""


def bones(classes: Volume, part_share: float) -> Volume:
    """The label map of a class map.

    The pelvis keeps its pieces of at least `part_share` of the largest (sacrum and L5 may stand
    apart). Of the femora the largest piece is one, and the largest that is far from it along the
    patient's left-right axis the other: the one further right is the right one. A femur that is
    alone belongs to the side of the pelvis' centre on which it lies. Other pieces join the bone
    that they touch, or go. A structure without a voxel stays empty.
    """
    labels = np.zeros(classes.array.shape, dtype=np.uint8)
    pieces, sizes, _ = _pieces(classes, PELVIS_CLASS)
    if not sizes.size:
        return classes.like(labels, "label")
    large = sizes >= part_share * sizes.max()
    pelvis = np.isin(pieces, 1 + np.flatnonzero(large))
    labels[pelvis] = PELVIS
    left_over = [(pieces, np.flatnonzero(~large))]
    pieces, sizes, centres = _pieces(classes, FEMUR_CLASS)
    if sizes.size:
        femora = _femora(sizes, centres, _mean_x(classes, pelvis))
        for label, piece in femora.items():
            labels[pieces == 1 + piece] = label
        others = np.setdiff1d(np.arange(len(sizes)), list(femora.values()))
        left_over.append((pieces, others))
    for found, which in left_over:
        _join(labels, found, which)
    return classes.like(labels, "label")


def _femora(sizes: NDArray, centres: NDArray, middle: float) -> dict[int, int]:
    """The piece that is each femur, by label."""
    first = int(np.argmax(sizes))
    far = (np.abs(centres - centres[first]) >= APART_MM) & (sizes >= SECOND_SHARE * sizes[first])
    if not far.any():
        return {FEMUR_R if centres[first] < middle else FEMUR_L: first}
    second = int(np.argmax(np.where(far, sizes, 0)))
    right, left = sorted((first, second), key=lambda piece: centres[piece])
    return {FEMUR_R: right, FEMUR_L: left}


def _join(labels: NDArray[np.uint8], pieces: NDArray, which: NDArray) -> None:
    """Give each piece that no bone kept to the bone it touches most: it is bone, and only mistaken
    for another; what touches none is dropped."""
    boxes = ndimage.find_objects(pieces)
    for piece in which:
        box = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in boxes[piece])
        own = pieces[box] == 1 + piece
        touched = labels[box][ndimage.binary_dilation(own) & ~own]
        contacts = np.bincount(touched, minlength=len(LABEL_NAMES))
        contacts[BACKGROUND] = 0
        if contacts.any():
            labels[box][own] = np.argmax(contacts)


def without_upper_spine(labels: Volume, above_crest_mm: float) -> Volume:
    """The label map without the pelvis' voxels more than `above_crest_mm` above the iliac crests:
    what a longer CT shows of the lumbar spine is no pelvis. Unchanged where no ilium is found."""
    pelvis = labels.array == PELVIS
    if not pelvis.any():
        return labels
    x = labels.origin_mm[0] + labels.spacing_mm[0] * np.arange(labels.size[0])
    lateral = np.abs(x - _mean_x(labels, pelvis)) > ILIUM_MM
    heights = np.flatnonzero(pelvis[:, :, lateral].any(axis=(1, 2)))
    if not heights.size:
        return labels
    top = int(heights[-1] + above_crest_mm / labels.spacing_mm[2]) + 1
    array = labels.array.copy()
    array[top:][pelvis[top:]] = BACKGROUND
    return labels.like(array, labels.unit)


def volumes_ml(labels: Volume) -> dict[str, float]:
    """The volume of each bone by name, in millilitres."""
    counts = np.bincount(labels.array.ravel(), minlength=len(LABEL_NAMES))
    return {name: float(counts[label] * labels.voxel_mm3 / 1000) for name, label in BODIES.items()}


def check_bones(
    labels: Volume, side: str, case: str, config: SegmentationPrediction
) -> tuple[CaseWarning, ...]:
    """Refuse a case whose pelvis or target femur is missing, too small or cut by the image.

    Raises CaseError E_SEGMENTATION or E_FOV; the same of the other femur is only a warning.
    """
    warnings = []
    target = LABEL_NAMES[femur_label(side)]
    for name, volume in volumes_ml(labels).items():
        least = config.min_pelvis_ml if name == "pelvis" else config.min_femur_ml
        # A femur that is cut is small for that reason.
        cut = None if name == "pelvis" else _cut(labels, name, config.min_femur_mm)
        if cut is not None:
            code, warned, text = "E_FOV", "W_FOV", f"{cut}; the hip must lie whole inside the image"
        elif volume < least:
            code, warned = "E_SEGMENTATION", "W_SEGMENTATION"
            text = f"the {name} measures {volume:.0f} ml, less than {least:.0f} ml; look at the CT"
        else:
            continue
        if name in ("pelvis", target):
            raise CaseError(code, case, text)
        warnings.append(CaseWarning(warned, text))
    return tuple(warnings)


def _cut(labels: Volume, name: str, least_mm: float) -> str | None:
    """Where a femur is cut by the image; its shaft may leave it below, but not too high up."""
    femur = labels.array == BODIES[name]
    borders = {
        "superior": femur[-1],
        "right": femur[:, :, 0],
        "left": femur[:, :, -1],
        "anterior": femur[:, 0],
        "posterior": femur[:, -1],
    }
    border = next((border for border, voxels in borders.items() if voxels.any()), None)
    if border is not None:
        return f"the {name} reaches the {border} border of the CT"
    if femur[0].any():
        length = float(femur.any(axis=(1, 2)).sum() * labels.spacing_mm[2])
        if length < least_mm:
            return f"the CT ends {length:.0f} mm below the top of the {name}"
    return None


def _pieces(classes: Volume, label: int) -> tuple[NDArray, NDArray, NDArray]:
    """Connected pieces (0 = none), and the voxels and mean world x of each piece."""
    mask = classes.array == label
    pieces = np.zeros(mask.shape, dtype=np.int32)
    if not mask.any():
        return pieces, np.zeros(0, dtype=int), np.zeros(0)
    box = bounding_slices(mask)
    found, count = ndimage.label(mask[box])
    pieces[box] = found
    z, y, x = np.nonzero(found)
    owner = found[z, y, x] - 1
    sizes = np.bincount(owner, minlength=count)
    index = np.bincount(owner, weights=x + box[2].start, minlength=count) / sizes
    return pieces, sizes, classes.origin_mm[0] + classes.spacing_mm[0] * index


def _mean_x(volume: Volume, mask: NDArray[np.bool_]) -> float:
    along_x = mask.sum(axis=(0, 1))
    index = float(along_x @ np.arange(len(along_x)) / along_x.sum())
    return volume.origin_mm[0] + volume.spacing_mm[0] * index
