"""Figures of volume explanations: maps by case, localisation by method, regions of the atlas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bmdpipe.explain.attention import JOINED, Attention
from bmdpipe.explain.methods import METHODS
from bmdpipe.explain.regions import RegionShare
from bmdpipe.explain.scores import scores_text
from bmdpipe.explain.sheet import DPI, INK, MUTED, Panel, draw_sheet
from bmdpipe.explain.titles import TITLES

if TYPE_CHECKING:
    from bmdpipe.explain.volume_study import VolumeCase

BLUE, ORANGE = "#0072b2", "#d55e00"
MOST_CASES = 4


def draw_cases(
    path: Path,
    cases: Sequence[VolumeCase],
    found: Sequence[Mapping[str, Attention]],
    told: Sequence[Mapping[str, Any]],
    virtual: bool,
) -> None:
    """A row per case: the volume and every map in the axial slice where the summary score is
    highest (as seed 002, Fig. 3). The known site is outlined in the first picture."""
    methods = [m for m in METHODS if m in found[0]]
    rows, names = [], []
    for i in _few(len(cases)):
        joined = found[i][JOINED]
        k = _telling_slice(joined.image)
        under = cases[i].inputs[0, k]
        outline = None if (site := cases[i].site) is None else site[k]
        text = f"{told[i]['true']}, told {told[i]['predicted']}\n({told[i]['confidence']:.2f})"
        score = joined.image[k] - np.median(joined.image[joined.image > 0])
        rows.append(
            [
                Panel("radiograph", under, text, outline=outline),
                *(
                    Panel("attention", found[i][m].image[k], scores_text(found[i][m]), under)
                    for m in methods
                ),
                Panel("attention", score.clip(min=0), scores_text(joined), under),
            ]
        )
        names.append(cases[i].name)
    titles = ["volume", *(TITLES[m].replace(" ", "\n", 1) for m in methods), "summary\nscore"]
    draw_sheet(path, titles, rows, names, virtual)


def draw_localisation(path: Path, found: Mapping[str, Any], virtual: bool) -> None:
    """Of each method's highest voxels the share in the known site, with chance and what networks
    with shuffled weights reach."""
    shares: Mapping[str, float] = found["shares"]
    figure = Figure(figsize=(5.6, 0.32 * len(shares) + 1.4), layout="constrained")
    axes = figure.subplots()
    names = list(shares)[::-1]
    colours = [ORANGE if name == list(shares)[-1] else BLUE for name in names]
    axes.barh(names, [100 * shares[name] for name in names], color=colours, height=0.65)
    axes.axvline(100 * found["chance"], color=INK, linestyle="--", linewidth=1)
    shuffled = 100 * np.asarray(found["shuffled"])
    axes.axvspan(shuffled.min(), max(shuffled.max(), shuffled.min() + 0.3), color=MUTED, alpha=0.35)
    axes.set_xlim(0, 100)
    top = 100 * found["top_fraction"]
    axes.set_xlabel(f"highest {top:g} % of voxels inside the known site (%)", fontsize=9)
    axes.set_title("dashed: chance; grey: shuffled weights", fontsize=8.5, color=MUTED)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    _finish(figure, virtual, path)


def draw_regions(path: Path, rows: Sequence[RegionShare], virtual: bool) -> None:
    """How much more than its share of the volume each region has of the summary score."""
    figure = Figure(figsize=(5.6, 0.24 * len(rows) + 1.0), layout="constrained")
    axes = figure.subplots()
    ordered = list(rows)[::-1]
    axes.barh([r.region for r in ordered], [r.density for r in ordered], color=BLUE, height=0.65)
    axes.axvline(1, color=INK, linestyle="--", linewidth=1)
    axes.set_xlabel("share of the summary score / share of the volume", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    _finish(figure, virtual, path)


def _telling_slice(score: NDArray) -> int:
    """The axial slice whose twenty highest voxels are the highest."""
    highest = np.sort(score.reshape(len(score), -1), axis=1)[:, -20:]
    return int(highest.sum(axis=1).argmax())


def _few(count: int) -> list[int]:
    return sorted(set(np.linspace(0, count - 1, MOST_CASES).round().astype(int).tolist()))


def _finish(figure: Figure, virtual: bool, path: Path) -> None:
    if virtual:
        figure.supxlabel("virtual subjects", fontsize=8.5, color=MUTED, style="italic")
    figure.savefig(path, dpi=DPI)
