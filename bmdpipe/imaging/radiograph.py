"""A plain radiograph, from DICOM or from a bare picture, in its canonical form."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.ndimage import affine_transform

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.image import Image
from bmdpipe.imaging.dicom_file import padding_mask, read_header, read_pixels
from bmdpipe.imaging.elements import value, whole
from bmdpipe.imaging.radiograph_grey import Grey, collimation, finished, grey_of
from bmdpipe.imaging.radiograph_header import (
    Field,
    Spacing,
    assumed_distance,
    check_aspect,
    check_view,
    collimated_field,
    configured_spacing,
    detector_spacing,
    source_distance,
)

UNIT = "attenuation"
PICTURES = (".png", ".jpg", ".jpeg")
SQUARE = 1e-3


@dataclass(frozen=True)
class Radiograph:
    """An image in unit `attenuation` (higher is denser) with square pixels at the detector."""

    image: Image
    sdd_mm: float
    sdd_source: str
    spacing_source: str
    photometric: str
    inverted: bool
    scale: tuple[float, float]
    warnings: tuple[CaseWarning, ...]
    digest: str
    """Hash of the stored values: the same picture under two subjects shows."""
    field_px: Field | None = None
    """What the header says was left open by the collimator; nothing is masked by it here."""


def read_radiograph(
    path: Path, case: str, config: ImagingConfig, side: str | None = None
) -> Radiograph:
    """Read one DX or CR file, or a PNG or JPEG picture (bone bright) of the configured spacing.

    `side` is the table's target side. How grey values, spacing and distance are read is said at
    `grey_of`, `detector_spacing` and `source_distance`. Raises CaseError with their codes and those
    of `read_header`, `read_pixels`, `check_view` and `check_aspect`, and E_TOO_LARGE.
    """
    path = Path(path)
    if not path.is_file():
        raise CaseError("E_MISSING_FILE", case, f"{path.name} does not exist")
    if path.suffix.lower() in PICTURES:
        return _picture(path, case, config)
    file = read_header(path, case, max_inflated_mib=config.max_inflated_mib)
    header = file.header
    if not file.has_pixels:
        raise CaseError("E_TRUNCATED", case, f"{path.name} has no pixel data")
    if file.pixels > config.max_radiograph_megapixels * 1e6:
        raise CaseError("E_TOO_LARGE", case, f"{file.pixels / 1e6:.0f} megapixels")
    if (whole(header, "NumberOfFrames") or 1) > 1 or value(header, "Modality") in ("CT", "MR"):
        raise CaseError("E_NOT_HIP_AP", case, f"{path.name} is no single projection image")
    check_view(header, case, side)
    spacing = detector_spacing(header, case, config)
    stored = read_pixels(file, case)
    padding = padding_mask(header, stored) if stored.ndim == 2 else None
    grey = grey_of(header, stored, padding, config.voi, case)
    warnings = [CaseWarning("W_LOSSY", "compressed with loss")] if file.lossy else []
    radiograph = _radiograph(
        grey,
        stored,
        spacing,
        source_distance(header, config),
        str(value(header, "PhotometricInterpretation") or "unknown"),
        warnings,
        case,
        config,
    )
    height, width = grey.array.shape
    field = collimated_field(header, (width, height))
    return replace(radiograph, field_px=on_pixels(field, (width, height), radiograph.image.size_px))


def _picture(path: Path, case: str, config: ImagingConfig) -> Radiograph:
    from PIL import Image as Picture
    from PIL import UnidentifiedImageError

    spacing = configured_spacing(case, config)
    try:
        with Picture.open(path) as picture:
            if picture.width * picture.height > config.max_radiograph_megapixels * 1e6:
                raise CaseError("E_TOO_LARGE", case, f"{picture.width}x{picture.height} pixels")
            deep = picture.mode.startswith("I") or picture.mode in ("L", "F")
            stored = np.asarray(picture if deep else picture.convert("RGB"))
    except UnidentifiedImageError:
        raise CaseError("E_NOT_DICOM", case, f"{path.name} is no picture either") from None
    except (OSError, Picture.DecompressionBombError):
        raise CaseError("E_TRUNCATED", case, f"{path.name} does not decode") from None
    header = Dataset()
    grey = (
        grey_of(header, stored, None, "none", case)
        if stored.dtype.kind in "ui"
        else finished(stored.astype(float), False, None, case)
    )
    lossy = path.suffix.lower() != ".png"
    warnings = [CaseWarning("W_LOSSY", "compressed with loss")] if lossy else []
    distance = assumed_distance(config)
    return _radiograph(grey, stored, spacing, distance, "picture", warnings, case, config)


def _radiograph(
    grey: Grey,
    stored: NDArray,
    spacing: Spacing,
    distance: tuple[float, str, tuple[CaseWarning, ...]],
    photometric: str,
    warnings: list[CaseWarning],
    case: str,
    config: ImagingConfig,
) -> Radiograph:
    height, width = grey.array.shape
    (sx, sy), (sdd, sdd_source, assumed) = spacing.at_detector_mm, distance
    warnings += [*spacing.warnings, *assumed, *check_aspect(width * sx, height * sy, case, config)]
    border = collimation(grey.array, grey.border_px)
    if border:
        warnings.append(CaseWarning("W_BORDER", f"flat border: {border}"))
    return Radiograph(
        image=squared(Image(grey.array, (sx, sy), UNIT)),
        sdd_mm=sdd,
        sdd_source=sdd_source,
        spacing_source=spacing.source,
        photometric=photometric,
        inverted=grey.inverted,
        scale=grey.scale,
        warnings=tuple(warnings),
        digest=hashlib.sha256(np.ascontiguousarray(stored).data).hexdigest()[:16],
    )


def on_pixels(field: Field | None, before: tuple[int, int], after: tuple[int, int]) -> Field | None:
    """A field on the pixels of the resampled image; whole pixels that lie inside of it."""
    if field is None:
        return None
    (width, height), (new_width, new_height) = before, after
    fx, fy = new_width / width, new_height / height
    left, top, right, bottom = field
    return math.ceil(left * fx), math.ceil(top * fy), int(right * fx), int(bottom * fy)


def squared(image: Image) -> Image:
    """The image with square pixels of the finer spacing, over the same area, linearly resampled."""
    sx, sy = image.spacing_mm
    if abs(sx - sy) <= SQUARE * min(sx, sy):
        return image
    step = min(sx, sy)
    width, height = (round(n * s / step) for n, s in zip(image.size_px, (sx, sy), strict=True))
    scale = np.array([step / sy, step / sx])
    # The pixels' edges, not their centres, stay where they are.
    array = affine_transform(
        image.array,
        scale,
        offset=(scale - 1) / 2,
        output_shape=(height, width),
        order=1,
        mode="nearest",
    )
    return Image(array, (step, step), image.unit)
