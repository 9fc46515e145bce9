"""A toy patient: a body, a pelvis box and two femur balls with shafts, in HU and in labels."""

from __future__ import annotations

import numpy as np

from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.slices import Annotated

SIZE = (20, 64, 80)
SLOW_LOOKS = ("texture_hu", "patch_hu", "shading_hu", "blur_mm")
"""Changes that the toys need not learn, and that take time to draw."""
SPACING_MM = (4.0, 4.0, 8.0)


def toy(subject: str = "T0", seed: int = 0, noise_hu: float = 20.0) -> Annotated:
    """The right femur (low x) is the larger one. Pelvis and femur differ in HU and form."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(SIZE).astype(float)
    dx, dy = rng.uniform(-3, 3, 2)
    cx, cy = 39.5 + dx, 31.5 + dy
    hu = np.full(SIZE, -1000.0)
    hu[((x - cx) / 34) ** 2 + ((y - cy) / 24) ** 2 < 1] = 30
    labels = np.zeros(SIZE, dtype=np.uint8)
    labels[(abs(x - cx) < 9) & (abs(y - cy - 6) < 5) & (z > 4) & (z < 17)] = PELVIS
    labels[(x - cx + 20) ** 2 + (y - cy) ** 2 < np.where(z < 8, 25, np.where(z < 14, 49, 0))] = (
        FEMUR_R
    )
    labels[(x - cx - 20) ** 2 + (y - cy) ** 2 < np.where(z < 8, 16, np.where(z < 14, 36, 0))] = (
        FEMUR_L
    )
    hu[labels == PELVIS] = 200
    hu[labels >= FEMUR_R] = 330
    hu += rng.normal(0, noise_hu, SIZE)
    origin = (-160.0, -120.0, -80.0)
    ct = Volume(hu.round().astype(np.int16), SPACING_MM, origin, "HU")
    return Annotated(subject, ct, ct.like(labels, "label"))


def toy_config(**training: object) -> SegmentationConfig:
    """A network that learns the toys in a few seconds."""
    return SegmentationConfig.model_validate(
        {
            "device": "cpu",
            "network": {
                "depth": 3,
                "base_filters": 8,
                "dropout": 0.1,
                "pixel_mm": 6.0,
                "matrix_px": [48, 32],
                "window_hu": [-150, 450],
            },
            "training": {
                "epochs": 12,
                "batch_size": 8,
                "learning_rate": 0.01,
                "slice_mm": 0,
                "min_annotated_to_hold_out": 5,
                "augmentation": {"bend_mm": 0, **dict.fromkeys(SLOW_LOOKS, 0)},
                **training,
            },
            "quality": {"copies": 2, "strength": 1},
            "prediction": {
                "passes": 3,
                "min_pelvis_ml": 50,
                "min_femur_ml": 50,
                "above_crest_mm": None,
                "border_hu": None,
            },
        }
    )
