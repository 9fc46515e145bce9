"""Config of the 2D-3D registration of the CT's bones to the radiographs."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class Level(Section):
    """One level of the pyramid that the evolution strategy searches."""

    pixel_mm: float = Field(gt=0.1, le=20, description="pixel size at the detector, mm")
    population: int = Field(
        default=100,
        ge=6,
        le=1000,
        description="candidates per generation (Gu 2023 cites Otake 2012)",
    )
    sigma_deg: float = Field(default=6.0, gt=0, description="initial standard deviation of angles")
    sigma_mm: float = Field(
        default=10.0, gt=0, description="initial standard deviation of in-plane shifts"
    )
    sigma_depth_mm: float = Field(
        default=30.0, gt=0, description="initial standard deviation of the depth"
    )
    generations: int = Field(default=60, ge=1, le=1000, description="most generations")
    tolerance: float = Field(
        default=2e-3,
        gt=0,
        description="the level ends when the similarities of a generation lie this close together "
        "and the best has stopped rising by it",
    )


class Bounds(Section):
    """How far the pelvis may move from the nominal antero-posterior pose."""

    deg: float = Field(default=25.0, gt=0, le=90, description="about each axis, degrees")
    mm: float = Field(default=50.0, gt=0, description="in the image plane at the body's depth, mm")
    depth_mm: float = Field(
        default=120.0, gt=0, description="along the ray through the body's centre, mm"
    )


class FemurBounds(Bounds):
    """How far a femur may move from the pelvis's pose: its head stays in the acetabulum."""

    deg: float = Field(default=40.0, gt=0, le=90, description="about each axis, degrees")
    mm: float = Field(default=6.0, gt=0, description="in the image plane at the body's depth, mm")
    depth_mm: float = Field(
        default=15.0, gt=0, description="along the ray through the femoral head, mm"
    )


class BodySearch(Section):
    """How the pelvis is searched for."""

    bounds: Bounds = Field(default_factory=Bounds, description="how far from its start")
    levels: tuple[Level, ...] = Field(
        default=(
            Level(pixel_mm=6.8),
            Level(pixel_mm=3.4, sigma_deg=1.5, sigma_mm=2.0, sigma_depth_mm=10.0),
        ),
        min_length=1,
        description="the pyramid, coarse to fine",
    )


class FemurSearch(BodySearch):
    """How a femur is searched for."""

    bounds: FemurBounds = Field(default_factory=FemurBounds, description="how far from its start")
    levels: tuple[Level, ...] = Field(
        default=(Level(pixel_mm=3.4, sigma_deg=8.0, sigma_mm=2.0, sigma_depth_mm=5.0),),
        min_length=1,
        description="the pyramid, coarse to fine",
    )


class RegistrationConfig(Section):
    """CMA-ES over a pyramid, then Gauss-Newton, pelvis first (Otake 2012; Gu 2023 §3.1)."""

    seed: int = Field(default=0, ge=0, description="seed of the search")
    sod_mm: float = Field(
        default=1000.0, gt=0, description="nominal distance from the source to the pelvis, mm"
    )
    soft_tissue_mg_cm3: float = Field(
        default=80.0,
        ge=0,
        description="density subtracted from the bone so that it stands out from soft tissue as it "
        "does in a radiograph; about 100 HU (own choice)",
    )
    dilation_mm: float = Field(
        default=3.0,
        ge=0,
        le=20,
        description="the label mask is widened by this before the subtraction, so that the bone's "
        "edge comes from the CT and not from the mask (own choice)",
    )
    derivative_sigma_px: float = Field(
        default=1.0, gt=0, le=5, description="width of the Gaussian derivatives, pixels"
    )
    derivative_quantile: float = Field(
        default=0.98,
        gt=0,
        le=1,
        description="derivatives of the radiograph beyond this quantile are cut to it, so that a "
        "lead marker, metal or a shutter's edge does not outweigh the bone; 1 for none (own "
        "choice)",
    )
    margin_mm: float = Field(
        default=15.0, ge=0, description="radiograph used around the projected body, detector mm"
    )
    pelvis: BodySearch = Field(
        default_factory=BodySearch,
        description="from the nominal antero-posterior pose, about the middle between the hips",
    )
    femur: FemurSearch = Field(
        default_factory=FemurSearch,
        description="from the pelvis's pose, about the femoral head",
    )
    refinement_pixel_mm: tuple[float, ...] = Field(
        default=(3.4, 1.7),
        description="pixel sizes at the detector of the Gauss-Newton refinements, coarse to fine",
    )
    refinement_iterations: int = Field(
        default=10, ge=0, le=100, description="most Gauss-Newton steps per pixel size; 0 for none"
    )
    min_similarity: float = Field(
        default=0.3, ge=-1, le=1, description="a pose with a lower gradient correlation has failed"
    )
    min_gain: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="a body whose image raises the gradient correlation by less has failed",
    )
    max_moved_mm: float = Field(
        default=10.0,
        gt=0,
        description="search and refinement disagree, and the pose has failed, if the refinement "
        "moved the projected surface by more than this, mm at the body",
    )
