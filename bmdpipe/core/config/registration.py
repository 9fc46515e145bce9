"""Config of the 2D-3D registration of the CT's bones to the radiographs."""

from __future__ import annotations

from typing import Literal

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

    deg: float = Field(default=35.0, gt=0, le=90, description="about each axis, degrees")
    mm: float = Field(default=50.0, gt=0, description="in the image plane at the body's depth, mm")
    depth_mm: float = Field(
        default=150.0, gt=0, description="along the ray through the body's centre, mm"
    )


class FemurBounds(Bounds):
    """How far a femur may move from the pelvis's pose: its head stays in the acetabulum."""

    deg: float = Field(default=40.0, gt=0, le=90, description="about each axis, degrees")
    mm: float = Field(default=6.0, gt=0, description="in the image plane at the body's depth, mm")
    depth_mm: float = Field(
        default=15.0, gt=0, description="along the ray through the femoral head, mm"
    )


class Scan(Section):
    """A grid of places and tilts whose best one is a second start of the search."""

    reach_mm: float = Field(
        default=90.0,
        ge=0,
        le=400,
        description="how far from the nominal place in the image plane, mm at the body; 0 for no "
        "scan",
    )
    step_mm: float = Field(default=15.0, ge=2, le=100, description="between places, mm at the body")
    tilt_deg: tuple[float, ...] = Field(
        default=(-10.0, 0.0, 10.0),
        min_length=1,
        description="turns about the left-right axis that are tried at every place",
    )
    pixel_mm: float = Field(
        default=12.0,
        gt=0.1,
        le=40,
        description="pixel size at the detector: coarse, for a smooth similarity",
    )


class BodySearch(Section):
    """How the pelvis is searched for."""

    starts: int = Field(
        default=3,
        ge=1,
        le=20,
        description="searches of the first level from different starts, whose agreement tells of "
        "success; the best goes on. The pelvis's second start is the scan's best place",
    )
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

    starts: int = Field(
        default=2,
        ge=1,
        le=20,
        description="searches of the first level from different starts, whose agreement tells of "
        "success; the best goes on",
    )
    bounds: FemurBounds = Field(default_factory=FemurBounds, description="how far from its start")
    levels: tuple[Level, ...] = Field(
        default=(Level(pixel_mm=3.4, sigma_deg=8.0, sigma_mm=2.0, sigma_depth_mm=5.0),),
        min_length=1,
        description="the pyramid, coarse to fine",
    )


class Source(Section):
    """What is known of the X-ray source; standard deviations of 0 mean that it is not solved."""

    in_plane_sd_mm: float = Field(
        default=0.0,
        ge=0,
        le=500,
        description="how far the central ray may miss the detector's middle, mm at the detector; "
        "above 0 it is solved with the poses, for cropped or off-centre images. A tube that is "
        "centred to 1 or 2 cm cannot be told from turned bones",
    )
    distance_sd_mm: float = Field(
        default=30.0,
        ge=0,
        le=500,
        description="how far the source-detector distance may lie from the configured one where "
        "the header gives none, mm; it is then solved with the poses",
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
    similarity: Literal[
        "gradient_correlation",
        "cross_correlation",
        "gradient_information",
        "mutual_information",
    ] = Field(
        default="gradient_correlation",
        description="what the search maximises (Penney 1998; Otake 2012 used gradient "
        "information); the refinement always is a least-squares fit of gradient correlation",
    )
    patch_mm: float = Field(
        default=0.0,
        ge=0,
        le=300,
        description="gradient correlation as the mean over patches of this size at the detector; 0 "
        "for the whole window",
    )
    derivative_sigma_px: float = Field(
        default=1.0, gt=0, le=5, description="width of the Gaussian derivatives, pixels"
    )
    derivative_quantile: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="derivatives of the radiograph beyond this quantile are cut to it, so that a "
        "lead marker, metal or a shutter's edge does not outweigh the bone; 1 for none (own "
        "choice)",
    )
    margin_mm: float = Field(
        default=15.0, ge=0, description="radiograph used around the projected body, detector mm"
    )
    scan: Scan = Field(default_factory=Scan, description="for the pelvis, about the nominal place")
    pelvis: BodySearch = Field(
        default_factory=BodySearch,
        description="from the nominal antero-posterior pose, about the middle between the hips",
    )
    femur: FemurSearch = Field(
        default_factory=FemurSearch,
        description="from the pelvis's pose, about the femoral head",
    )
    refinement_pixel_mm: tuple[float, ...] = Field(
        default=(3.4, 1.7, 1.0),
        description="pixel sizes at the detector of the Gauss-Newton refinements, coarse to fine",
    )
    refinement_iterations: int = Field(
        default=10, ge=0, le=100, description="most Gauss-Newton steps per pixel size; 0 for none"
    )
    joint_sd_mm: float = Field(
        default=1.0,
        gt=0,
        le=20,
        description="how far a femoral head's centre may leave the acetabulum's when all bodies "
        "are refined together, standard deviation along each axis (own choice)",
    )
    source: Source = Field(default_factory=Source, description="what is solved besides the poses")
    min_confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a pose whose calibrated probability of success is lower has failed",
    )
