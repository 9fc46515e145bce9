"""From a radiograph's stored values to attenuation: higher is denser, about 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.elements import BROKEN, numbers, quiet, value

RANGE_PERCENT = (0.1, 99.9)
GREY_TOLERANCE = 12 / 255
"""How far the channels of a grey picture may lie apart after lossy compression."""
BORDER_FLATNESS = 0.004
BORDER_SHARE = 0.02


@dataclass(frozen=True)
class Grey:
    """Attenuation `[y, x]` float32 and how it came about. `scale` are the values that became
    0 and 1; `border_px` are the widths of flat borders (left, right, top, bottom)."""

    array: NDArray[np.float32]
    scale: tuple[float, float]
    inverted: bool
    border_px: tuple[int, int, int, int]


def grey_of(
    header: Dataset,
    stored: NDArray,
    padding: NDArray[np.bool_] | None,
    voi: str,
    case: str,
) -> Grey:
    """Carry stored values to attenuation, in this order.

    1. Modality table or rescale.
    2. With `voi` = `header`: the first value-of-interest table, or else the first window. With
       `none` neither: they are a viewer's display curve, a window clips, and a table bends what is
       close to the logarithm of the exposure. Only a table that falls still counts as an inversion.
    3. An image for processing whose values are linear in the exposure: minus the logarithm.
    4. Inversion, once and last: MONOCHROME1, or a presentation table of shape INVERSE (which is how
       DX says the same thing; both together invert once). For an image for processing the sign of
       its pixel intensity relationship decides instead, where it is given.
    5. Scaling, so that the 0.1 and 99.9 percentiles inside the borders and outside the padding
       become 0 and 1. The range is the picture's own, not that of its stored bits: vendors fill 10
       to 16 bits as they like. Nothing is clipped; padding becomes 0.

    Raises CaseError E_NOT_HIP_AP for a colour picture, E_PIXEL_LENGTH for an empty range.
    """
    try:
        with quiet():
            values = np.asarray(apply_modality_lut(_single_channel(stored, case), header), float)
            falling = _falling_table(header)
            if voi == "header":
                values = np.asarray(
                    apply_voi_lut(values.astype(_integer(header, values)), header), float
                )
                falling = False
    except BROKEN:
        raise CaseError("E_PIXEL_LENGTH", case, "the look-up tables are not usable") from None
    for_processing = value(header, "PresentationIntentType") == "FOR PROCESSING"
    sign = numbers(header, "PixelIntensityRelationshipSign", 1) or (
        value(header, "PixelIntensityRelationshipSign"),
    )
    dark_bone = (
        value(header, "PhotometricInterpretation") == "MONOCHROME1"
        or value(header, "PresentationLUTShape") == "INVERSE"
    ) != falling
    if for_processing and sign[0] in (1, -1):
        dark_bone = sign[0] == 1
    if for_processing and value(header, "PixelIntensityRelationship") == "LIN":
        exposure = values if dark_bone else values.max() - values
        values, dark_bone = -np.log(np.maximum(exposure, 1.0)), False
    return finished(-values if dark_bone else values, dark_bone, padding, case)


def finished(values: NDArray, inverted: bool, padding: NDArray[np.bool_] | None, case: str) -> Grey:
    """Scale attenuation by its own range; see step 5 of `grey_of`."""
    border = flat_borders(values)
    left, right, top, bottom = border
    height, width = values.shape
    inside = (slice(top, height - bottom), slice(left, width - right))
    seen = values[inside] if padding is None else values[inside][~padding[inside]]
    if seen.size == 0:
        raise CaseError("E_PIXEL_LENGTH", case, "the radiograph holds nothing but padding")
    low, high = (float(v) for v in np.percentile(seen, RANGE_PERCENT))
    if not (np.isfinite(low) and high > low):
        raise CaseError("E_PIXEL_LENGTH", case, "the radiograph is one flat grey")
    array = ((values - low) / (high - low)).astype(np.float32)
    if padding is not None:
        array[padding] = 0.0
    return Grey(array, (low, high), inverted, border)


def flat_borders(values: NDArray) -> tuple[int, int, int, int]:
    """Widths of the borders (left, right, top, bottom) whose lines are flat; 0 where the whole
    picture would be one."""
    flat = BORDER_FLATNESS * float(np.ptp(values))
    widths = []
    for axis in (0, 1):
        lines = np.ptp(np.percentile(values, (2, 98), axis=axis), axis=0) <= flat
        if lines.all():
            return 0, 0, 0, 0
        widths += [int(np.argmin(lines)), int(np.argmin(lines[::-1]))]
    return widths[0], widths[1], widths[2], widths[3]


def collimation(attenuation: NDArray, border: tuple[int, int, int, int]) -> str:
    """Words on the flat borders that collimation left, or nothing. Dark ones at the left and right
    alone are the air beside the patient."""
    left, right, top, bottom = border
    height, width = attenuation.shape
    wide = {"left": left, "right": right, "top": top, "bottom": bottom}
    strips = {
        "left": attenuation[:, :left],
        "right": attenuation[:, width - right :],
        "top": attenuation[:top],
        "bottom": attenuation[height - bottom :],
    }
    shown = {name: n for name, n in wide.items() if n >= BORDER_SHARE * min(height, width)}
    bright = any(float(np.median(strips[name])) > 0.5 for name in shown)
    if not bright and not {"top", "bottom"} & set(shown):
        return ""
    return ", ".join(f"{name} {n} px" for name, n in shown.items())


def _single_channel(stored: NDArray, case: str) -> NDArray:
    if stored.ndim == 2:
        return stored
    channels = stored.astype(np.int32)
    apart = np.ptp(channels, axis=2)
    if np.percentile(apart, 99.9) > GREY_TOLERANCE * np.iinfo(stored.dtype).max:
        raise CaseError("E_NOT_HIP_AP", case, "a colour picture is no radiograph")
    return np.rint(channels.mean(axis=2)).astype(stored.dtype)


def _falling_table(header: Dataset) -> bool:
    sequence = value(header, "VOILUTSequence")
    if not sequence:
        return False
    entries, data = int(sequence[0].LUTDescriptor[0]) or 65536, sequence[0].LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, np.uint16 if len(data) >= 2 * entries else np.uint8)
    return bool(data[-1] < data[0])


def _integer(header: Dataset, values: NDArray) -> type:
    """A table is looked up by whole numbers; a window takes what it gets."""
    return np.int32 if value(header, "VOILUTSequence") else values.dtype.type
