"""A representation as a picture: its first principal component (Gu 2023, Fig. 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Component:
    """The first component's score per pixel, `[...]` without the channel axis, and the share of the
    representation's variance that it holds."""

    scores: NDArray[np.float64]
    explained: float


def first_component(representation: NDArray) -> Component:
    """The first principal component of a representation `[c, ...]`, pixels as samples.

    The sign, which is arbitrary, is chosen so that the scores lean to positive values. A constant
    representation gives zeros that explain nothing.
    """
    channels = representation.shape[0]
    pixels = np.asarray(representation, dtype=float).reshape(channels, -1)
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    variances, directions = np.linalg.eigh(centred @ centred.T)
    scores = directions[:, -1] @ centred
    total = float(np.clip(variances, 0.0, None).sum())
    if total <= 0.0:
        return Component(np.zeros(representation.shape[1:]), 0.0)
    if np.sum(scores**3) < 0:
        scores = -scores
    return Component(scores.reshape(representation.shape[1:]), float(variances[-1] / total))
