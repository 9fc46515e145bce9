"""Draw how the held-out correlation grows with the cohort.

    python docs/scripts/make_learning_curve.py OUTPUT...

takes what runs of benchmarks/learning.py printed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from matplotlib.figure import Figure

TARGET = Path(__file__).parents[1] / "images" / "learning_curve.png"
ROW = re.compile(r"^(\w+)\s+(dxa|qct)\s+(-?[\d.]+) \[\s*(-?[\d.]+),\s*(-?[\d.]+)\]$", re.MULTILINE)
METHODS = {
    "true": ("true projection", "0.35"),
    "decomposition": ("decomposition", "tab:blue"),
    "frozen": ("regression, encoder frozen", "tab:orange"),
    "conventional": ("conventional", "tab:green"),
}
TITLES = {"dxa": "areal BMD (DXA)", "qct": "volumetric BMD (QCT)"}

Point = tuple[int, float, float, float]


def points(outputs: list[Path]) -> dict[tuple[str, str], list[Point]]:
    """Subjects, correlation and its interval by method and target."""
    found: dict[tuple[str, str], list[Point]] = {}
    for path in outputs:
        text = path.read_text(encoding="utf-8")
        subjects = re.search(r"(\d+) subjects", text)
        if subjects is None:
            raise SystemExit(f"{path}: no output of benchmarks/learning.py")
        for method, target, *numbers in ROW.findall(text):
            value, low, high = (float(number) for number in numbers)
            found.setdefault((method, target), []).append((int(subjects[1]), value, low, high))
    return {key: sorted(rows) for key, rows in found.items()}


def draw(found: dict[tuple[str, str], list[Point]]) -> None:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (target, title) in zip(panels, TITLES.items(), strict=True):
        for shift, (method, (label, colour)) in enumerate(METHODS.items()):
            rows = found.get((method, target), [])
            if not rows:
                continue
            count, value, low, high = zip(*rows, strict=True)
            at = [n * 1.025 ** (shift - 1.5) for n in count]
            below = [v - lo for v, lo in zip(value, low, strict=True)]
            above = [hi - v for v, hi in zip(value, high, strict=True)]
            panel.errorbar(
                at, value, (below, above), marker="o", color=colour, label=label, capsize=2
            )
        panel.set_xscale("log")
        ticks = sorted({row[0] for rows in found.values() for row in rows})
        panel.set_xticks(ticks, [str(n) for n in ticks])
        panel.minorticks_off()
        panel.axhline(0, color="0.8", lw=1, zorder=0)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("virtual subjects, half of them to train on")
    panels[0].set_ylabel("PCC, held out")
    panels[0].legend(fontsize=8, loc="lower right")
    figure.savefig(TARGET, dpi=110)


if __name__ == "__main__":
    draw(points([Path(name) for name in sys.argv[1:]]))
