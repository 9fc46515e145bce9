"""One femur from label map and density to landmarks, region, volumetric and areal BMD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.areal import ArealView, areal_view
from bmdpipe.densitometry.femur import FemurLandmarks, femur_mask, find_landmarks
from bmdpipe.densitometry.region import proximal_region, volume_ml, volumetric_bmd


@dataclass(frozen=True)
class ProximalFemur:
    """`region` `[z, y, x]` is the 3D region on the label map's grid; `view` the DXA-like one."""

    landmarks: FemurLandmarks
    region: NDArray[np.bool_]
    view: ArealView
    vbmd_mg_cm3: float
    volume_ml: float

    def to_json(self) -> dict[str, float]:
        return {
            "vbmd_mg_cm3": self.vbmd_mg_cm3,
            "abmd_g_cm2": self.view.abmd_g_cm2,
            "volume_ml": self.volume_ml,
            "area_cm2": self.view.area_cm2,
        }

    @property
    def caption(self) -> str:
        return f"vBMD {self.vbmd_mg_cm3:.0f} mg/cm3, aBMD {self.view.abmd_g_cm2:.3f} g/cm2"


def measure_femur(
    density: Volume, labels: Volume, side: str, case: str, config: RoiConfig
) -> ProximalFemur:
    """Measure the femur on one side; density and labels lie on the same canonical grid.

    Raises CaseError: E_SEGMENTATION, E_FOV or E_LANDMARKS, as `find_landmarks` says.
    """
    if density.array.shape != labels.array.shape:
        raise ValueError(f"density {density.size} and labels {labels.size} differ in size")
    landmarks = find_landmarks(labels, side, case, config.min_confidence, config.warn_confidence)
    femur = femur_mask(labels, side)
    try:
        region = proximal_region(labels, femur, landmarks.points)
    except ValueError as error:
        raise CaseError("E_LANDMARKS", f"{case}/{side}", str(error)) from error
    view = areal_view(
        density, femur, landmarks.points, config.abmd_pixel_mm, config.abmd_depth_step_mm
    )
    if not view.region.any():
        raise CaseError("E_LANDMARKS", f"{case}/{side}", "the projected region is empty")
    return ProximalFemur(
        landmarks=landmarks,
        region=region,
        view=view,
        vbmd_mg_cm3=volumetric_bmd(density, region),
        volume_ml=volume_ml(labels, region),
    )
