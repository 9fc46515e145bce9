"""One femur from label map and density to landmarks, region, volumetric and areal BMD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.areal import NECK_MM, ArealView, areal_view
from bmdpipe.densitometry.femur import FemurLandmarks, femur_mask
from bmdpipe.densitometry.region import (
    neck_region,
    proximal_region,
    volume_ml,
    volumetric_bmd,
)
from bmdpipe.densitometry.tscore import Site


@dataclass(frozen=True)
class ProximalFemur:
    """`region` `[z, y, x]` is the 3D region on the label map's grid; `view` the DXA-like one; the
    neck is the band of 1 cm distal to the junction in either."""

    landmarks: FemurLandmarks
    region: NDArray[np.bool_]
    view: ArealView
    vbmd_mg_cm3: float
    neck_vbmd_mg_cm3: float
    volume_ml: float

    def to_json(self) -> dict[str, float]:
        return {
            "vbmd_mg_cm3": self.vbmd_mg_cm3,
            "abmd_g_cm2": self.view.abmd_g_cm2,
            "neck_vbmd_mg_cm3": self.neck_vbmd_mg_cm3,
            "neck_abmd_g_cm2": self.view.neck_abmd_g_cm2,
            "volume_ml": self.volume_ml,
            "area_cm2": self.view.area_cm2,
        }

    @property
    def areal(self) -> dict[Site, float]:
        """Areal BMD by the site's name, g/cm2."""
        return {"total_hip": self.view.abmd_g_cm2, "femoral_neck": self.view.neck_abmd_g_cm2}

    @property
    def caption(self) -> str:
        return f"vBMD {self.vbmd_mg_cm3:.0f} mg/cm3, aBMD {self.view.abmd_g_cm2:.3f} g/cm2"


def measure_femur(
    density: Volume,
    labels: Volume,
    side: str,
    landmarks: FemurLandmarks,
    case: str,
    config: RoiConfig,
) -> ProximalFemur:
    """Measure the femur on one side; density and labels lie on the same canonical grid.

    Raises CaseError E_LANDMARKS if the landmarks enclose no bone.
    """
    if density.array.shape != labels.array.shape:
        raise ValueError(f"density {density.size} and labels {labels.size} differ in size")
    femur = femur_mask(labels, side)
    try:
        region = proximal_region(labels, femur, landmarks.points)
    except ValueError as error:
        raise CaseError("E_LANDMARKS", f"{case}/{side}", str(error)) from error
    view = areal_view(
        density, femur, landmarks.points, config.abmd_pixel_mm, config.abmd_depth_step_mm
    )
    neck = neck_region(labels, region, landmarks.points, NECK_MM)
    if not view.neck.any() or not neck.any():
        raise CaseError("E_LANDMARKS", f"{case}/{side}", "the projected region is empty")
    return ProximalFemur(
        landmarks=landmarks,
        region=region,
        view=view,
        vbmd_mg_cm3=volumetric_bmd(density, region),
        neck_vbmd_mg_cm3=volumetric_bmd(density, neck),
        volume_ml=volume_ml(labels, region),
    )
