"""Where the slices of a CT stand: ordered by position alone, gaps and tilt told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.imaging.ct_series import Series
from bmdpipe.imaging.dicom_file import DicomFile
from bmdpipe.imaging.elements import numbers

MIN_BLOCK_GAPS = 4
"""Equal gaps in a row that make a block of its own spacing rather than an accident."""
MIN_TILT_DEG = 0.05
MAX_SIDEWAYS_MM = 0.1


@dataclass(frozen=True)
class Stack:
    """Slices along the normal, evenly spaced. `places` are the slices' own places in mm; `doubles`
    are pairs of files at one position, of which the first is in `slices`."""

    slices: tuple[DicomFile, ...]
    world_from_index: NDArray[np.float64]
    doubles: tuple[tuple[DicomFile, DicomFile], ...]
    tilt_deg: float
    warnings: tuple[CaseWarning, ...]


def stack_of(series: Series, case: str, config: ImagingConfig) -> Stack:
    """Order a series by the position along its normal, and check that the slices are evenly spaced.

    Only the orientation vectors count; slice numbers, file names and the patient position (FFS) do
    not. A gantry tilt shows as slices shifted along the plane. Raises CaseError E_ORIENTATION,
    E_NO_SPACING, E_MISSING_SLICE, E_IRREGULAR, E_TILT.
    """
    rows, columns, normal = _plane(series, case)
    spacing = numbers(series.header, "PixelSpacing", 2)
    if spacing is None or min(spacing) <= 0:
        raise CaseError("E_NO_SPACING", case, "the CT's header has no pixel spacing")
    positions = np.array([_position(f, case) for f in series.slices])
    places = positions @ normal
    order = np.argsort(places, kind="stable")
    slices, doubles = _without_doubles([series.slices[i] for i in order], places[order])
    kept = np.array([numbers(f.header, "ImagePositionPatient", 3) for f in slices])
    block, warnings = even_block(kept @ normal, case, config)
    slices, kept = slices[block], kept[block]
    if len(slices) < config.min_slices:
        raise CaseError("E_MISSING_SLICE", case, f"only {len(slices)} slices at distinct positions")
    step = (kept[-1] - kept[0]) / (len(slices) - 1)
    _check_straight(kept, step, case)
    tilt = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
    if tilt > config.max_tilt_deg:
        raise CaseError("E_TILT", case, f"the gantry is tilted by {tilt:.1f} degrees")
    if tilt > MIN_TILT_DEG:
        warnings += (CaseWarning("W_TILT", f"a gantry tilt of {tilt:.2f} degrees was corrected"),)
    else:
        step = normal * (step @ normal)
    matrix = np.eye(4)
    # DICOM's pixel spacing is (between rows, between columns): along j, then along i.
    matrix[:3, :3] = np.column_stack([rows * spacing[1], columns * spacing[0], step])
    matrix[:3, 3] = kept[0]
    used = {id(f) for f in slices}
    pairs = tuple(pair for pair in doubles if id(pair[0]) in used)
    return Stack(tuple(slices), matrix, pairs, tilt, warnings)


def even_block(
    places: NDArray, case: str, config: ImagingConfig
) -> tuple[slice, tuple[CaseWarning, ...]]:
    """The slices to use, given their ascending places in mm: all of them if the gaps are even.

    Where blocks of different spacing meet, the one that is at least `min_block_mm` long, if there
    is exactly one, with a warning.
    """
    gaps = np.diff(places)
    gap = float(np.median(gaps))
    if np.all(np.abs(gaps - gap) <= config.max_spacing_jitter * gap):
        return slice(None), ()
    blocks = _blocks(gaps, config.max_spacing_jitter)
    spacings = [float(np.median(gaps[b])) for b in blocks]
    if blocks and max(spacings) > min(spacings) * (1 + 2 * config.max_spacing_jitter):
        long = [b for b in blocks if places[b.stop] - places[b.start] >= config.min_block_mm]
        found = " and ".join(f"{s:.2f}" for s in sorted(set(np.round(spacings, 2))))
        if len(long) != 1:
            hint = f"blocks of slices with gaps of {found} mm: import one even series"
            raise CaseError("E_IRREGULAR", case, hint)
        first, last = places[long[0].start], places[long[0].stop]
        text = f"slice gaps of {found} mm: only those from {first:.1f} to {last:.1f} mm are used"
        return slice(long[0].start, long[0].stop + 1), (CaseWarning("W_PROTOCOL", text),)
    wide = int(gaps.argmax())
    times = gaps[wide] / gap
    if times > 1.5 and abs(times - round(times)) < 0.1:
        hint = (
            f"{round(times) - 1} missing between {places[wide]:.2f} and "
            f"{places[wide + 1]:.2f} mm along the stack (gap {gap:.2f} mm)"
        )
        raise CaseError("E_MISSING_SLICE", case, hint)
    odd = int(np.abs(gaps - gap).argmax())
    hint = f"a gap of {gaps[odd]:.3f} mm at {places[odd]:.2f} mm among gaps of {gap:.3f} mm"
    raise CaseError("E_IRREGULAR", case, hint)


def _plane(series: Series, case: str) -> tuple[NDArray, NDArray, NDArray]:
    """Directions of increasing column, of increasing row, and the normal that completes them."""
    cosines = numbers(series.header, "ImageOrientationPatient", 6)
    if cosines is None:
        raise CaseError("E_ORIENTATION", case, "the CT's header has no image orientation")
    rows, columns = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.array([np.linalg.norm(rows), np.linalg.norm(columns)])
    if np.any(np.abs(lengths - 1) > 1e-2) or abs(rows @ columns) > 1e-2:
        raise CaseError("E_ORIENTATION", case, "the CT's orientation vectors are no right angle")
    rows = rows / lengths[0]
    columns = columns - rows * (rows @ columns)
    columns = columns / np.linalg.norm(columns)
    return rows, columns, np.cross(rows, columns)


def _position(file: DicomFile, case: str) -> tuple[float, ...]:
    position = numbers(file.header, "ImagePositionPatient", 3)
    if position is None:
        raise CaseError("E_MISSING_SLICE", case, f"{file.path.name} has no position")
    return position


def _without_doubles(
    slices: Sequence[DicomFile], places: NDArray
) -> tuple[list[DicomFile], list[tuple[DicomFile, DicomFile]]]:
    gaps = np.diff(places)
    apart = gaps[gaps > 1e-3]
    near = 0.01 * float(np.median(apart)) if apart.size else 0.0
    kept, doubles, last = [slices[0]], [], places[0]
    for file, place in zip(slices[1:], places[1:], strict=True):
        if place - last <= near:
            doubles.append((kept[-1], file))
        else:
            kept.append(file)
            last = place
    return kept, doubles


def _blocks(gaps: NDArray, jitter: float) -> list[slice]:
    """Runs of at least MIN_BLOCK_GAPS equal gaps, as slices of the gaps."""
    blocks, start = [], 0
    for i in range(1, len(gaps) + 1):
        if i == len(gaps) or abs(gaps[i] - gaps[start]) > 2 * jitter * gaps[start]:
            if i - start >= MIN_BLOCK_GAPS:
                blocks.append(slice(start, i))
            start = i
    return blocks


def _check_straight(positions: NDArray, step: NDArray, case: str) -> None:
    line = positions[0] + np.arange(len(positions))[:, None] * step
    off = np.linalg.norm(positions - line, axis=1)
    # Along the normal the gaps were checked one by one; rounding may add up over a long stack.
    limit = max(MAX_SIDEWAYS_MM, 0.5 * float(np.linalg.norm(step)))
    sideways = np.linalg.norm(np.diff(positions, axis=0) - step, axis=1)
    if off.max() > limit or sideways.max() > max(MAX_SIDEWAYS_MM, 0.02 * np.linalg.norm(step)):
        hint = f"the slices are shifted against each other by up to {off.max():.2f} mm"
        raise CaseError("E_IRREGULAR", case, hint)
