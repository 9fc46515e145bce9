"""A CT series of DICOM files as one canonical volume in Hounsfield units."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.ct_geometry import Stack, stack_of
from bmdpipe.imaging.ct_series import find_series
from bmdpipe.imaging.dicom_file import DicomFile, padding_mask, read_pixels
from bmdpipe.imaging.elements import number, numbers, stored_bits, value
from bmdpipe.imaging.hounsfield import HuPeaks, check_hu, hu_peaks
from bmdpipe.imaging.orientation import check_handedness, to_canonical

AIR_HU = -1024
"""The value of air, and of all that was not measured: padding is never projected."""
PADDING = np.iinfo(np.int16).min
POOL_FROM_SLICES = 64


@dataclass(frozen=True)
class CtScan:
    """A canonical CT (int16, unit HU, axes along the patient's) and what was learned of it."""

    volume: Volume
    peaks: HuPeaks
    n_slices: int
    warnings: tuple[CaseWarning, ...]
    digest: str
    """Hash of the canonical voxels: the same scan under two subjects shows."""


def read_ct(folder: Path, case: str, config: ImagingConfig, processes: int = 1) -> CtScan:
    """Read the CT series of a folder.

    Headers first; the series and its geometry are settled and its size judged before a pixel is
    decoded, slice by slice into one int16 volume. Compressed slices are decoded by `processes`.
    Raises CaseError with the codes of `find_series`, `stack_of` and `read_pixels`, and E_TOO_LARGE,
    E_HU_SCALE, E_DUPLICATE_SLICE.
    """
    stack = stack_of(find_series(Path(folder), case, config), case, config)
    first = stack.slices[0]
    n = len(stack.slices)
    if n * first.pixels > config.max_ct_megavoxels * 1e6:
        hint = f"{n} slices of {first.header.Columns}x{first.header.Rows} are too many voxels"
        raise CaseError("E_TOO_LARGE", case, hint)
    scale = _rescale(stack.slices, case)
    warnings = [*stack.warnings, *_duplicates(stack, case), *protocol_warnings(first, config)]
    if any(f.lossy for f in stack.slices):
        warnings.append(CaseWarning("W_LOSSY", "the CT was compressed with loss"))
    array = np.empty((n, int(first.header.Rows), int(first.header.Columns)), np.int16)
    for k, hu in enumerate(_decoded(stack.slices, scale, case, processes)):
        array[k] = hu
    return _finished(array, stack.world_from_index, n, warnings, case, config)


def ct_from_volume(volume: Volume, case: str, config: ImagingConfig) -> CtScan:
    """The same checks for a CT that was given as a NIfTI volume in HU.

    Raises CaseError E_HANDEDNESS, E_TOO_LARGE, E_HU_SCALE.
    """
    check_handedness(volume.direction, case, "the CT")
    if volume.array.size > config.max_ct_megavoxels * 1e6:
        raise CaseError("E_TOO_LARGE", case, f"{volume.size} are too many voxels")
    values = np.nan_to_num(np.rint(volume.array), nan=PADDING)
    array = np.clip(values, PADDING, np.iinfo(np.int16).max).astype(np.int16)
    matrix = volume.world_from_index
    return _finished(array, matrix, volume.array.shape[0], [], case, config)


def protocol_warnings(file: DicomFile, config: ImagingConfig) -> Iterator[CaseWarning]:
    """What in the header departs from the protocol that densities are measured with."""
    kvp = number(file.header, "KVP")
    if config.expected_kvp is not None and kvp is not None and kvp != config.expected_kvp:
        yield CaseWarning("W_PROTOCOL", f"{kvp:g} kVp instead of {config.expected_kvp:g}")
    kernel = str(value(file.header, "ConvolutionKernel") or "")
    digits = re.search(r"\d+", kernel)
    named = any(word in kernel.upper() for word in ("BONE", "EDGE", "LUNG", "SHARP"))
    if named or (digits is not None and int(digits[0]) >= config.sharp_kernel_number):
        yield CaseWarning("W_PROTOCOL", "a sharp kernel overshoots at the edges of bone")
    if value(file.header, "ContrastBolusAgent"):
        yield CaseWarning("W_PROTOCOL", "contrast medium raises the HU of vessels and marrow")


def _finished(
    array: NDArray,
    matrix: NDArray,
    n_slices: int,
    warnings: Sequence[CaseWarning],
    case: str,
    config: ImagingConfig,
) -> CtScan:
    peaks = hu_peaks(array)
    check_hu(peaks, case, config.air_tolerance_hu)
    np.maximum(array, AIR_HU, out=array)
    volume = to_canonical(array, matrix, "HU", fill=AIR_HU)
    digest = hashlib.sha256(volume.array.data).hexdigest()[:16]
    return CtScan(volume, peaks, n_slices, tuple(warnings), digest)


def _rescale(slices: Sequence[DicomFile], case: str) -> tuple[float, float]:
    found = set()
    for file in slices:
        slope = numbers_of_one(file, "RescaleSlope")
        intercept = numbers_of_one(file, "RescaleIntercept")
        if slope is None or intercept is None or slope <= 0:
            hint = f"{file.path.name} has no usable rescale slope and intercept"
            raise CaseError("E_HU_SCALE", case, hint)
        kind = str(value(file.header, "RescaleType") or "HU").upper()
        if kind not in ("HU", "US"):
            raise CaseError("E_HU_SCALE", case, f"{file.path.name} is scaled to {kind}, not to HU")
        found.add((slope, intercept))
    if len(found) > 1:
        hint = f"the slices have {len(found)} different rescale values"
        raise CaseError("E_HU_SCALE", case, hint)
    return found.pop()


def numbers_of_one(file: DicomFile, keyword: str) -> float | None:
    """A finite number that stands alone; a list, even of one value twice, is none."""
    single = numbers(file.header, keyword, 1)
    return single[0] if single else number(file.header, keyword)


def _duplicates(stack: Stack, case: str) -> list[CaseWarning]:
    for kept, double in stack.doubles:
        if not np.array_equal(read_pixels(kept, case), read_pixels(double, case)):
            hint = f"{kept.path.name} and {double.path.name} differ at one position"
            raise CaseError("E_DUPLICATE_SLICE", case, hint)
    if not stack.doubles:
        return []
    return [CaseWarning("W_DUPLICATE_SLICE", f"{len(stack.doubles)} identical slices dropped")]


def _decoded(
    slices: Sequence[DicomFile], scale: tuple[float, float], case: str, processes: int
) -> Iterator[NDArray]:
    one = partial(_slice_hu, scale=scale, case=case)
    compressed = slices[0].pixel_bytes is None
    if processes <= 1 or not compressed or len(slices) < POOL_FROM_SLICES:
        yield from map(one, slices)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, slices, chunksize=8)


def _slice_hu(file: DicomFile, scale: tuple[float, float], case: str) -> NDArray[np.int16]:
    """One slice in HU; padding has a value of its own that the histogram leaves out."""
    stored = read_pixels(file, case)
    if stored.ndim != 2 or stored_bits(file.header) > 16:
        raise CaseError("E_PIXEL_LENGTH", case, f"{file.path.name} is not a 16-bit grey image")
    slope, intercept = scale
    if slope == 1 and intercept == int(intercept):
        hu = stored.astype(np.int32) + int(intercept)
    else:
        hu = np.rint(stored * slope + intercept)
    result = np.clip(hu, PADDING, np.iinfo(np.int16).max).astype(np.int16)
    padding = padding_mask(file.header, stored)
    if padding is not None:
        result[padding] = PADDING
    return result
