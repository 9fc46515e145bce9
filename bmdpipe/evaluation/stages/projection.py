"""Found projections of the proximal femur against those of the true density at the true poses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.image import Image
from bmdpipe.core.labels import femur_body, femur_label
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.region import proximal_region
from bmdpipe.evaluation.stages.quantity import Quantity
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.landmarks import landmarks_from_json
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection

QUANTITIES = (
    Quantity("mean_error_percent", "error of the mean density projection", "%", "zero"),
    Quantity("pixel_error_percent", "mean pixel error, share of the true mean", "%"),
)


def true_femur(density: Volume, labels: Volume, truth: Mapping[str, Any], side: str) -> Body:
    """The true proximal femur of a side, ready for projection."""
    landmarks = landmarks_from_json(truth["landmarks"][side])
    region = proximal_region(labels, labels.array == femur_label(side), landmarks)
    positive = density.like(np.clip(density.array, 0, None), density.unit)
    return Body.from_volume(positive, region)


def projection_errors(
    found: Mapping[str, Image], femur: Body, truth: Mapping[str, Any], side: str
) -> list[dict[str, Any]]:
    """A row per radiograph with a found projection: the signed error of the mean over its non-zero
    pixels, and the mean absolute difference over both bones' pixels. `truth` is the truth's
    `radiographs`."""
    rows = []
    for radiograph, image in found.items():
        camera = Camera.from_json(truth[radiograph]["camera"]).resized(image.size_px)
        pose = np.asarray(truth[radiograph]["camera_from_ct"][femur_body(side)], dtype=float)
        true_image = density_projection([(femur, pose)], camera)
        either = (true_image > 0) | (image.array > 0)
        difference = np.abs(image.array - true_image)[either]
        true_mean = _mean(true_image)
        rows.append(
            {
                "radiograph": radiograph,
                "mean_error_percent": 100.0 * (_mean(image.array) / true_mean - 1.0),
                "pixel_error_percent": 100.0 * float(difference.mean()) / true_mean,
            }
        )
    return rows


def _mean(image: NDArray) -> float:
    """Mean of the non-zero pixels."""
    return float(image[image > 0].mean(dtype=float))
