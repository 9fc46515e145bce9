"""From classes to bones: which pieces count, which femur is whose, and whether it is all there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.segmentation import SegmentationPrediction
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import BODIES, FEMUR_L, FEMUR_R, LABEL_NAMES, PELVIS, femur_label
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.segmentation.classes import FEMUR_CLASS, PELVIS_CLASS


def bones(classes: Volume, part_share: float) -> Volume:
    """The label map of a class map.

    The pelvis keeps its pieces of at least `part_share` of the largest (sacrum and L5 may stand
    apart). A femur is the largest piece on its side of the pelvis' centre along the patient's
    left-right axis; a structure without a voxel stays empty.
    """
    labels = np.zeros(classes.array.shape, dtype=np.uint8)
    pieces, sizes, _ = _pieces(classes, PELVIS_CLASS)
    if not sizes.size:
        return classes.like(labels, "label")
    wanted = 1 + np.flatnonzero(sizes >= part_share * sizes.max())
    pelvis = np.isin(pieces, wanted)
    labels[pelvis] = PELVIS
    middle = _mean_x(classes, pelvis)
    pieces, sizes, centres = _pieces(classes, FEMUR_CLASS)
    for label, on_side in ((FEMUR_R, centres < middle), (FEMUR_L, centres >= middle)):
        if on_side.any():
            largest = np.argmax(np.where(on_side, sizes, 0))
            labels[pieces == 1 + largest] = label
    return classes.like(labels, "label")


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
    volumes = volumes_ml(labels)
    target = LABEL_NAMES[femur_label(side)]
    for name, volume in volumes.items():
        least = config.min_pelvis_ml if name == "pelvis" else config.min_femur_ml
        if volume >= least:
            continue
        text = f"the {name} measures {volume:.0f} ml, less than {least:.0f} ml"
        if name in ("pelvis", target):
            raise CaseError("E_SEGMENTATION", case, f"{text}; look at the CT and the segmentation")
        warnings.append(CaseWarning("W_SEGMENTATION", text))
    for name in ("femur_r", "femur_l"):
        border = _cut_at(labels.array == BODIES[name])
        if border is None:
            continue
        text = f"the {name} reaches the {border} border of the CT"
        if name == target:
            raise CaseError("E_FOV", case, f"{text}; the hip must lie whole inside the image")
        warnings.append(CaseWarning("W_FOV", text))
    return tuple(warnings)


def _cut_at(femur: NDArray[np.bool_]) -> str | None:
    """The border at which a femur is cut; its shaft may leave the image below."""
    borders = {
        "superior": femur[-1],
        "right": femur[:, :, 0],
        "left": femur[:, :, -1],
        "anterior": femur[:, 0],
        "posterior": femur[:, -1],
    }
    return next((name for name, voxels in borders.items() if voxels.any()), None)


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
