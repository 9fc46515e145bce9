"""All maps of a volume classifier for some held-out cases: scores, agreement, regions, pictures.

Source: seed 002 (summary score over methods, region-specific heat maps, consistency).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt

from bmdpipe.core.config.companions import BrainMrConfig
from bmdpipe.core.config.explain import MapMethod
from bmdpipe.explain.agreement import consistency, summary_score
from bmdpipe.explain.attention import JOINED, Attention, attend
from bmdpipe.explain.localisation import chance, mean_share, shuffled_summaries
from bmdpipe.explain.methods import METHODS
from bmdpipe.explain.question import Chosen
from bmdpipe.explain.regions import RegionShare, by_region
from bmdpipe.explain.scores import mean_scores
from bmdpipe.explain.titles import TITLES
from bmdpipe.explain.volume_figures import draw_cases, draw_localisation, draw_regions
from bmdpipe.training.classify import Classifier

SUMMARY = "summary score"
CASES, LOCALISATION, REGIONS = "maps_{model}.png", "localisation_{model}.png", "regions_{model}.png"


@dataclass(frozen=True)
class VolumeCase:
    """A held-out volume `[1, z, y, x]` in the network's units, with its true class; the atlas and
    the site of what is to be found, where they are known."""

    name: str
    label: int
    inputs: NDArray[np.float32]
    atlas: NDArray[np.uint8] | None
    site: NDArray[np.bool_] | None

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The voxels that a map is judged on: the atlas, or what is no background."""
        if self.atlas is not None:
            return self.atlas > 0
        low, high = np.quantile(self.inputs[0], [0.01, 0.99])
        return self.inputs[0] > low + 0.15 * (high - low)


def explain_volumes(
    out: Path,
    trained: Classifier,
    cases: Sequence[VolumeCase],
    regions: Mapping[int, str],
    config: BrainMrConfig,
    virtual: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Write the figures of a model; returns its table as JSON and the figures' names."""
    images = torch.from_numpy(np.stack([case.inputs for case in cases]))
    probability = trained.logits(images).softmax(dim=1)
    told = probability.argmax(dim=1)
    output = Chosen(told)
    inside = [case.inside for case in cases]
    fwhm_vox = config.summary_fwhm_mm / config.voxel_mm

    def join(maps: Sequence[NDArray], row: int) -> NDArray:
        return summary_score(maps, inside[row], fwhm_vox)

    found, reasons = attend(
        trained.network,
        trained.layer,
        images,
        config.explain,
        output=output,
        join=join,
        inside=inside,
    )
    scores = [maps[JOINED].image for maps in found]
    methods: list[MapMethod] = [m for m in METHODS if m in found[0]]
    result: dict[str, Any] = {
        "layer": trained.layer,
        "left_out": reasons,
        "methods": {m: mean_scores([maps[m] for maps in found]) for m in (*methods, JOINED)},
        "consistency": _consistency(found, inside, config.top_fraction),
        "cases": [
            {
                "case": case.name,
                "true": trained.classes[case.label],
                "predicted": trained.classes[int(told[i])],
                "confidence": float(probability[i].max()),
            }
            for i, case in enumerate(cases)
        ],
    }
    names = [CASES.format(model=trained.model)]
    draw_cases(out / names[0], cases, found, result["cases"], virtual)
    sites = _sites(cases, config)
    if sites is not None:
        shuffled = shuffled_summaries(
            trained.network, trained.layer, images, output, methods, join,
            config.random_models, config.explain.seed,
        )  # fmt: skip
        fraction = config.top_fraction
        shares = {
            **{
                TITLES[m]: mean_share([maps[m].image for maps in found], inside, sites, fraction)
                for m in methods
            },
            SUMMARY: mean_share(scores, inside, sites, fraction),
        }
        result["localisation"] = {
            "top_fraction": fraction,
            "shares": shares,
            "chance": chance(inside, sites),
            "shuffled": [mean_share(each, inside, sites, fraction) for each in shuffled],
        }
        names.append(LOCALISATION.format(model=trained.model))
        draw_localisation(out / names[-1], result["localisation"], virtual)
    rows = _regions(scores, cases, regions)
    if rows:
        result["regions"] = [asdict(row) for row in rows]
        names.append(REGIONS.format(model=trained.model))
        draw_regions(out / names[-1], rows, virtual)
    return result, names


def _consistency(
    found: Sequence[Mapping[str, Attention]],
    inside: Sequence[NDArray[np.bool_]],
    fraction: float,
) -> dict[str, float]:
    """Agreement between the methods, mean over cases; empty with one method."""
    each = [
        consistency({n: a.image for n, a in maps.items() if n != JOINED}, mask, fraction)
        for maps, mask in zip(found, inside, strict=True)
    ]
    known = [asdict(c) for c in each if c is not None]
    return {k: float(np.mean([c[k] for c in known])) for k in known[0]} if known else {}


def _sites(cases: Sequence[VolumeCase], config: BrainMrConfig) -> list[NDArray[np.bool_]] | None:
    """The known sites with their margin; None unless every case has one."""
    sites = []
    for case in cases:
        if case.site is None or not case.site.any():
            return None
        sites.append(_widened(case.site, config.site_margin_mm / config.voxel_mm))
    return sites


def _widened(site: NDArray[np.bool_], margin_vox: float) -> NDArray[np.bool_]:
    if margin_vox < 1:
        return binary_dilation(site, iterations=1) if margin_vox > 0.5 else site
    widened: NDArray[np.bool_] = distance_transform_edt(~site) <= margin_vox
    return widened


def _regions(
    scores: Sequence[NDArray], cases: Sequence[VolumeCase], regions: Mapping[int, str]
) -> list[RegionShare]:
    """Region-wise shares of the summary score, mean over cases; empty without an atlas."""
    tables = [
        {row.region: row for row in by_region(score, case.atlas, regions)}
        for score, case in zip(scores, cases, strict=True)
        if case.atlas is not None
    ]
    if not tables or not regions:
        return []
    names = [name for name in tables[0] if all(name in table for table in tables)]
    rows = []
    for name in names:
        share = float(np.mean([table[name].share for table in tables]))
        volume = float(np.mean([table[name].volume for table in tables]))
        rows.append(RegionShare(name, share, volume, share / volume))
    return sorted(rows, key=lambda row: -row.density)
