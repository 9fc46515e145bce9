"""What a radiograph's header says of its geometry and its view, and what to make of gaps."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.imaging.elements import number, numbers, value

SDD_MM = (500.0, 4000.0)
SPACING_MM = (0.02, 5.0)
COLLIMATOR_EDGES = ("LeftVertical", "UpperHorizontal", "RightVertical", "LowerHorizontal")
LEAST_FIELD = 0.1
"""Share of the image below which a collimated field is taken for a mistake."""
Field = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two excluded."""
OTHER_PARTS = (
    *("CHEST", "KNEE", "SKULL", "HEAD", "SHOULDER", "FOOT", "ANKLE", "HAND", "WRIST", "ELBOW"),
    *("CSPINE", "TSPINE", "LSPINE", "BREAST", "NECK", "JAW", "RIB"),
)
LATERAL_VIEWS = ("LL", "RL", "LLD", "RLD", "LLO", "RLO", "LATERAL", "FROG")


@dataclass(frozen=True)
class Spacing:
    """Pixel spacing (x, y) at the detector, mm, and where it was found."""

    at_detector_mm: tuple[float, float]
    source: str
    warnings: tuple[CaseWarning, ...] = ()


def detector_spacing(header: Dataset, case: str, config: ImagingConfig) -> Spacing:
    """The spacing at the detector, by this rule.

    1. Imager pixel spacing (0018,1164), which is measured at the detector. Where the calibrated
       pixel spacing (0028,0030) differs, it is ignored and W_SPACING_AT_DETECTOR says so.
    2. Pixel spacing times the estimated magnification (0018,1114), where both are given.
    3. Pixel spacing alone is taken as at the detector, with W_NO_GEOMETRY. Exactly 1 x 1 is what
       converters write for "unknown", and counts as none.
    4. The configured default, with W_NO_GEOMETRY.

    Raises CaseError E_NO_SPACING where nothing is left.
    """
    imager = _plausible(numbers(header, "ImagerPixelSpacing", 2))
    pixel = _plausible(numbers(header, "PixelSpacing", 2))
    if imager is not None:
        differ = pixel is not None and any(
            abs(a - b) > 0.01 * a for a, b in zip(imager, pixel, strict=True)
        )
        text = f"the imager spacing is used; the calibrated one ({pixel}) differs"
        warned = (CaseWarning("W_SPACING_AT_DETECTOR", text),) if differ else ()
        return Spacing(imager, "imager_spacing", warned)
    factor = number(header, "EstimatedRadiographicMagnificationFactor")
    if pixel is not None and factor is not None and 1 <= factor < 3:
        return Spacing((pixel[0] * factor, pixel[1] * factor), "pixel_spacing_magnified")
    if pixel is not None and pixel != (1.0, 1.0):
        text = "only the calibrated pixel spacing is given; it is taken as at the detector"
        return Spacing(pixel, "pixel_spacing", (CaseWarning("W_NO_GEOMETRY", text),))
    return configured_spacing(case, config)


def configured_spacing(case: str, config: ImagingConfig) -> Spacing:
    """The default spacing of the config; raises CaseError E_NO_SPACING if there is none."""
    default = config.default_spacing_mm
    if default is None:
        hint = "no pixel spacing at the detector: set imaging.default_spacing_mm if it is known"
        raise CaseError("E_NO_SPACING", case, hint)
    warned = CaseWarning("W_NO_GEOMETRY", f"the configured spacing of {default:g} mm is assumed")
    return Spacing((default, default), "config", (warned,))


def source_distance(
    header: Dataset, config: ImagingConfig
) -> tuple[float, str, tuple[CaseWarning, ...]]:
    """Source-detector distance (0018,1110) in mm and `header`, or the configured one and `config`.

    A missing, zero or implausible distance is replaced with W_SDD_ASSUMED.
    """
    distance = number(header, "DistanceSourceToDetector")
    if distance is not None and SDD_MM[0] <= distance <= SDD_MM[1]:
        return distance, "header", ()
    return assumed_distance(config)


def assumed_distance(config: ImagingConfig) -> tuple[float, str, tuple[CaseWarning, ...]]:
    text = f"a source-detector distance of {config.default_sdd_mm:g} mm is assumed"
    return config.default_sdd_mm, "config", (CaseWarning("W_SDD_ASSUMED", text),)


def collimated_field(header: Dataset, size_px: tuple[int, int]) -> Field | None:
    """The rectangle of pixels that a rectangular collimator left open (0018,1700 and following).

    The header counts columns and rows from 1, and an edge belongs to the field. None where the
    tags are missing, name another shape, or make no sense.
    """
    shape = value(header, "CollimatorShape")
    shapes = [shape] if isinstance(shape, str) else list(shape or [])
    if "RECTANGULAR" not in [str(s).upper() for s in shapes]:
        return None
    edges = [number(header, f"Collimator{name}Edge") for name in COLLIMATOR_EDGES]
    if any(edge is None for edge in edges):
        return None
    left, top, right, bottom = (round(edge) for edge in edges if edge is not None)
    width, height = size_px
    field = max(left - 1, 0), max(top - 1, 0), min(right, width), min(bottom, height)
    seen = (field[2] - field[0], field[3] - field[1])
    if min(seen) <= 0 or seen[0] * seen[1] < LEAST_FIELD * width * height:
        return None
    return field


def check_view(header: Dataset, case: str, side: str | None) -> None:
    """Refuse what the header itself says is no upright antero-posterior hip image of this side.

    Raises CaseError E_NOT_HIP_AP (another body part, a lateral view), E_SIDE_CONFLICT (a posterior-
    anterior view; an image of the other side only), E_ORIENTATION (rows not towards the patient's
    left, columns not towards the feet). A header that says nothing passes: a pelvis image is
    unpaired.
    """
    part = _word(header, "BodyPartExamined")
    if part in OTHER_PARTS:
        raise CaseError("E_NOT_HIP_AP", case, f"the header says {part.lower()}")
    view = _word(header, "ViewPosition")
    if view in LATERAL_VIEWS:
        raise CaseError("E_NOT_HIP_AP", case, f"the header says view {view}")
    if view == "PA":
        raise CaseError("E_SIDE_CONFLICT", case, "a PA view shows the sides swapped")
    shown = _word(header, "ImageLaterality") or _word(header, "Laterality")
    if side is not None and shown in ("L", "R") and shown != side:
        hint = f"the header says side {shown}, the table says {side}"
        raise CaseError("E_SIDE_CONFLICT", case, hint)
    towards = value(header, "PatientOrientation")
    words = [] if towards is None or isinstance(towards, str) else [str(w).upper() for w in towards]
    if len(words) == 2 and all(words) and (words[0][0], words[1][0]) != ("L", "F"):
        hint = f"rows run to {words[0]} and columns to {words[1]} instead of L and F"
        raise CaseError("E_ORIENTATION", case, hint)


def check_aspect(
    width_mm: float, height_mm: float, case: str, config: ImagingConfig
) -> tuple[CaseWarning, ...]:
    """Marks a width/height outside the paper's; raises CaseError E_ASPECT on an extreme one.

    Source: Gu 2023 §4.1, 0.880 to 1.228.
    """
    aspect = width_mm / height_mm
    low, high = config.aspect_limits
    if not low <= aspect <= high:
        raise CaseError("E_ASPECT", case, f"width/height is {aspect:.3f}")
    low, high = config.aspect_range
    if not low <= aspect <= high:
        return (CaseWarning("W_ASPECT", f"width/height is {aspect:.3f}"),)
    return ()


def _plausible(spacing: tuple[float, ...] | None) -> tuple[float, float] | None:
    """DICOM gives (between rows, between columns); here it is (x, y)."""
    if spacing is None or not all(SPACING_MM[0] <= s <= SPACING_MM[1] for s in spacing):
        return None
    return spacing[1], spacing[0]


def _word(header: Dataset, keyword: str) -> str:
    found = value(header, keyword)
    return found.strip().upper() if isinstance(found, str) else ""
