"""What the import of images accepts, and what it assumes where a header is silent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class ImagingConfig(Section):
    """Limits, tolerances and defaults of reading CT series and radiographs."""

    max_files: int = Field(
        default=10_000, ge=1, description="most files that a subject's CT folder may hold"
    )
    max_ct_megavoxels: float = Field(
        default=1000.0, gt=0, description="largest CT that is decoded, judged by its headers"
    )
    max_radiograph_megapixels: float = Field(
        default=100.0, gt=0, description="largest radiograph that is decoded, judged by its header"
    )
    max_inflated_mib: float = Field(
        default=512.0, gt=0, description="largest size that a deflated DICOM file may inflate to"
    )
    max_memory_gib: float = Field(
        default=12.0,
        gt=0.1,
        description="most memory that reading one subject's files may take; beyond, it is refused",
    )
    max_minutes: float = Field(
        default=15.0,
        gt=0,
        description="most time that reading one subject's files may take; beyond, it is refused",
    )
    min_slices: int = Field(
        default=16, ge=2, description="fewest slices that make a CT volume rather than a localizer"
    )
    max_spacing_jitter: float = Field(
        default=0.01, gt=0, lt=0.5, description="largest deviation of a slice gap, as a fraction"
    )
    min_block_mm: float = Field(
        default=200.0,
        gt=0,
        description="where the slice spacing changes: length from which one block of even spacing "
        "is taken to cover the hip",
    )
    max_tilt_deg: float = Field(
        default=30.0, gt=0, lt=60, description="largest gantry tilt that is corrected by resampling"
    )
    air_tolerance_hu: float = Field(
        default=80.0, gt=0, description="how far the air peak may lie from -1000 HU"
    )
    expected_kvp: float | None = Field(
        default=120.0, gt=0, description="tube voltage of the protocol; another one is marked"
    )
    sharp_kernel_number: int = Field(
        default=60, ge=1, description="kernel number (B30f: 30) from which a kernel is called sharp"
    )
    default_sdd_mm: float = Field(
        default=1200.0,
        ge=500,
        le=4000,
        description="source-detector distance of a radiograph whose header gives none",
    )
    default_spacing_mm: float | None = Field(
        default=None,
        gt=0,
        le=5,
        description="detector spacing of pictures without one; without this they are refused",
    )
    voi: Literal["none", "header"] = Field(
        default="none",
        description="'header' applies the radiograph's value-of-interest table or window (what a "
        "viewer shows); 'none' keeps the values before that display curve, which are nearer to "
        "the logarithm of the exposure and not clipped",
    )
    aspect_range: tuple[float, float] = Field(
        default=(0.880, 1.228),
        description="width/height of the paper's radiographs (Gu 2023 §4.1); outside is marked",
    )
    aspect_limits: tuple[float, float] = Field(
        default=(0.4, 2.5), description="width/height outside which a radiograph is refused"
    )

    @model_validator(mode="after")
    def _ranges_ordered(self) -> ImagingConfig:
        for name in ("aspect_range", "aspect_limits"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"'{name}' must be two rising positive numbers")
        return self
