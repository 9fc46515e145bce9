"""Several methods' maps of one image: a common score, and how far they agree.

Source: seed 002 (a summary score over methods; consistency between them). The seed does not say how
maps are joined. Ranks make those of different scales and distributions comparable, and Fisher's
combination of tail probabilities (Fisher 1932) gives weight to what several methods put on top.
Maps are smoothed first: methods agree on regions, and hardly on single voxels within them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

FWHM_SD = float(np.sqrt(8 * np.log(2)))
"""A Gaussian's full width at half its height, in standard deviations."""


@dataclass(frozen=True)
class Consistency:
    """`rank_correlation`: Spearman's rho, mean over pairs of methods; `concordance`: Kendall's W, 1
    where all order the places alike; `overlap`: share of the top places that two methods have in
    common, mean over pairs, whose value by chance is the top fraction itself."""

    rank_correlation: float
    concordance: float
    overlap: float


def surprise(values: NDArray) -> NDArray[np.float64]:
    """`-ln p` of values `[n]`, with p the share of values at least as large; ties share theirs."""
    return -np.log(1.0 - (rankdata(values) - 0.5) / len(values))


def smoothed(image: NDArray, inside: NDArray[np.bool_], fwhm_vox: float) -> NDArray[np.float64]:
    """A map's Gaussian mean over the places of the mask, 0 outside; as it is for a width of 0."""
    image = np.where(inside, image, 0.0).astype(float)
    if fwhm_vox == 0:
        return image
    sd = fwhm_vox / FWHM_SD
    weight = gaussian_filter(inside.astype(float), sd)
    mean = gaussian_filter(image, sd) / np.where(inside, weight, 1.0)
    return np.where(inside, mean, 0.0)


def summary_score(
    maps: Sequence[NDArray], inside: NDArray[np.bool_], fwhm_vox: float = 0.0
) -> NDArray[np.float64]:
    """The mean over methods of `-ln p` of each place of their smoothed maps within a mask, `[...]`;
    0 outside it.

    A constant map says nothing and is left out. Raises ValueError if no map is left.
    """
    told = [
        surprise(smoothed(each, inside, fwhm_vox)[inside])
        for each in maps
        if np.ptp(each[inside]) > 0
    ]
    if not told:
        raise ValueError("every map is constant")
    score = np.zeros(inside.shape)
    score[inside] = np.mean(told, axis=0)
    return score


def top(values: NDArray, fraction: float) -> NDArray[np.int64]:
    """Indices of the largest of values `[n]`, so many as the fraction tells, at least one.

    Ties are broken by a fixed shuffle, so that a constant map chooses at random.
    """
    count = max(round(fraction * len(values)), 1)
    shuffled = np.random.default_rng(0).permutation(len(values))
    return shuffled[np.argsort(-values[shuffled], kind="stable")[:count]]


def share_inside(
    score: NDArray, inside: NDArray[np.bool_], site: NDArray, fraction: float
) -> float:
    """Of the top fraction of the places in the mask, the share that lies in the site."""
    return float(site[inside].astype(bool)[top(score[inside], fraction)].mean())


def consistency(
    maps: Mapping[str, NDArray], inside: NDArray[np.bool_], fraction: float
) -> Consistency | None:
    """Agreement of maps `[...]` within a mask; None for fewer than two that are not constant."""
    told = [each[inside] for each in maps.values() if np.ptp(each[inside]) > 0]
    if len(told) < 2:
        return None
    ranked = np.array([rankdata(each) for each in told])
    rho = np.corrcoef(ranked)
    pairs = list(combinations(range(len(told)), 2))
    mean_rho = float(np.mean([rho[i, j] for i, j in pairs]))
    tops = [frozenset(top(each, fraction).tolist()) for each in told]
    overlap = float(np.mean([len(tops[i] & tops[j]) / len(tops[i]) for i, j in pairs]))
    # Kendall 1948: mean rho = (m W - 1) / (m - 1) for m orderings.
    return Consistency(mean_rho, (mean_rho * (len(told) - 1) + 1) / len(told), overlap)
