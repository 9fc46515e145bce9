"""What the hip images of a training look like, and whether another one looks like them.

A network answers to any picture. These few statistics of the picture itself, without a network,
tell a hip radiograph of another size, exposure or content from those that it has learned from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bmdpipe.pairs.store import Case, Pairs

COARSE_PX = (16, 32)
"""Width and height to which an image is brought before it is compared with the others."""
COMPONENTS = 8
GROUPS = 10
"""The subjects are left out in so many groups, to see how well the others explain them."""
DARK, BRIGHT = 0.02, 1.3
"""Attenuation at or below which lies air, and from which lies lead or a shutter."""
TOLERANCE = 0.25
"""A statistic may lie this share of its range beyond the range (own choice)."""
LEAST_RANGE = 0.1
"""A range counts as at least this share of its middle: few subjects vary little."""
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class ImageDomain:
    """Limits of each statistic, and the subspace of coarse right hips: their mean `[h, w]` and
    principal components `[k, h, w]`."""

    limits: Mapping[str, tuple[float, float]]
    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def statistics(self, image: NDArray[np.float32], width_mm: float) -> dict[str, float]:
        """The statistics of a hip image `[h, w]` (attenuation) that looks like a right hip."""
        share = _unexplained(coarse(image), self.mean, self.components)
        return {**plain_statistics(image, width_mm), UNEXPLAINED: share}

    def strange(self, found: Mapping[str, float]) -> tuple[str, ...]:
        """The names of the statistics that lie outside their limits."""
        return tuple(
            name
            for name, (low, high) in sorted(self.limits.items())
            if not low <= found[name] <= high
        )


def plain_statistics(image: NDArray[np.float32], width_mm: float) -> dict[str, float]:
    """Width of the window at the detector (mm), mean, standard deviation, share of dark and bright
    pixels, and the mean step between neighbouring pixels over the standard deviation."""
    values = image.astype(np.float64)
    sd = float(values.std())
    steps = [float(np.abs(np.diff(values, axis=axis)).mean()) for axis in (0, 1)]
    return {
        "width_mm": width_mm,
        "mean": float(values.mean()),
        "sd": sd,
        "dark": float((values <= DARK).mean()),
        "bright": float((values >= BRIGHT).mean()),
        "roughness": float(np.mean(steps)) / sd if sd > 0 else 0.0,
    }


def fit_domain(pairs: Pairs) -> ImageDomain:
    """The domain of the radiographs of these cases.

    How much of an image is left unexplained is measured with its subject left out, so that no
    image vouches for itself. Raises ValueError with fewer than three subjects.
    """
    images = [right_like(image, case.side, case.mirrored) for image, case in _radiographs(pairs)]
    found = [
        plain_statistics(image, width_of(case))
        for image, case in zip(images, pairs.cases, strict=True)
    ]
    small = np.stack([coarse(image) for image in images])
    limits = {name: _limits([row[name] for row in found]) for name in found[0]}
    _, high = _limits(_left_out(small, [case.subject for case in pairs.cases]))
    mean, components = _subspace(small)
    return ImageDomain({**limits, UNEXPLAINED: (0.0, high)}, mean, components)


def right_like(image: NDArray[np.float32], side: str, mirrored: bool) -> NDArray[np.float32]:
    """The image of a hip of this `side`, as a right one; `mirrored` tells if it is already."""
    return image[:, ::-1] if (side == "L") != mirrored else image


def width_of(case: Case) -> float:
    """Width of a case's window at the detector, mm."""
    return case.camera.size_px[0] * case.camera.spacing_mm[0]


def coarse(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image at `COARSE_PX`, anti-aliased, with mean 0 and standard deviation 1."""
    width, height = COARSE_PX
    tensor = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    few = functional.interpolate(
        tensor, size=(height, width), mode="bilinear", antialias=True, align_corners=False
    )[0, 0].numpy()
    spread = float(few.std())
    return (few - few.mean()) / spread if spread > 0 else np.zeros_like(few)


def _radiographs(pairs: Pairs) -> Iterator[tuple[NDArray[np.float32], Case]]:
    stack = pairs.images["radiograph"]
    for index, case in enumerate(pairs.cases):
        yield stack[np.array([index])][0], case


def _left_out(small: NDArray[np.float32], subjects: Sequence[str]) -> list[float]:
    """For each image, the share that images of other subjects leave unexplained."""
    names = list(dict.fromkeys(subjects))
    if len(names) < 3:
        raise ValueError("fewer than three subjects make no domain")
    group = np.array([names.index(subject) % GROUPS for subject in subjects])
    shares = np.empty(len(small))
    for number in np.unique(group):
        mean, components = _subspace(small[group != number])
        for row in np.flatnonzero(group == number):
            shares[row] = _unexplained(small[row], mean, components)
    return [float(share) for share in shares]


def _subspace(small: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and principal components of coarse images `[n, h, w]`, at most half as many."""
    mean = small.mean(axis=0)
    flat = (small - mean).reshape(len(small), -1)
    kept = np.linalg.svd(flat, full_matrices=False)[2][: min(COMPONENTS, len(small) // 2)]
    return mean, kept.reshape(-1, *mean.shape)


def _unexplained(small: NDArray, mean: NDArray, components: NDArray) -> float:
    """Length of what mean and components do not reach, over the image's; 0 to about 1."""
    apart = (small - mean).ravel()
    basis = components.reshape(len(components), -1)
    rest = apart - basis.T @ (basis @ apart)
    whole = float(np.linalg.norm(small))
    return float(np.linalg.norm(rest)) / whole if whole > 0 else 1.0


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    reach = TOLERANCE * max(high - low, LEAST_RANGE * abs(high + low) / 2)
    return low - reach, high + reach
