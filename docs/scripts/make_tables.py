"""Write docs/tables.md from finished tables: `python docs/scripts/make_tables.py results/demo`.

Every table and figure page under the cohort's `tables` folder is shown as it was written; where
Table 2 or 3 is among them, what the paper's comparisons come to is counted per training seed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

TARGET = Path(__file__).parents[1] / "tables.md"
PAGES = ("table2", "table3", "fig8", "fig10")
SKIPPED_COLUMNS = ("ICC(A,1)", "SEE")


def shown(page: Path) -> Iterator[str]:
    """A page one heading deeper, without the columns that the others imply."""
    lines = page.read_text(encoding="utf-8").splitlines()
    dropped: set[int] = set()
    for line in lines:
        if line.startswith("# "):
            yield f"#{line}"
        elif not line.startswith("|"):
            yield line
        else:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if "method" in cells:
                dropped = {
                    n for n, cell in enumerate(cells) if any(s in cell for s in SKIPPED_COLUMNS)
                }
            kept = (cell for n, cell in enumerate(cells) if n not in dropped)
            yield "| " + " | ".join(kept) + " |"


def compared(
    frame: pd.DataFrame, better: pd.Series, worse: pd.Series, column: str
) -> dict[int, float]:
    """By training seed: how much higher the one row's metric is than the other's."""
    high = frame[better].set_index("seed")[column]
    low = frame[worse].set_index("seed")[column]
    difference: dict[int, float] = (high - low).dropna().to_dict()
    return difference


def verdicts(folder: Path) -> Iterator[tuple[str, str, dict[int, float]]]:
    """Each comparison with its metric and differences by seed, where both rows were run."""
    three = folder / "table3" / "table3.tsv"
    if three.exists():
        frame = pd.read_csv(three, sep="\t")
        with_it = frame["label"] == "with hierarchical learning"
        for backbone in frame["group"].unique():
            of_it = frame["group"] == backbone
            for metric in ("psnr", "dice", "intensity_pcc", "dxa_pcc", "qct_pcc"):
                found = compared(frame, of_it & with_it, of_it & ~with_it, metric)
                yield f"{backbone}: hierarchical learning less none", metric, found
    two = folder / "table2" / "table2.tsv"
    if two.exists():
        frame = pd.read_csv(two, sep="\t")
        label = frame["label"]
        conventional = label == "conventional"
        for group in frame["group"].unique():
            alone = (frame["group"] == group) & (label == "decomposition using QCT")
            place = frame.index[alone]
            if not len(place):
                continue
            for way in ("frozen", "tuned", "from the reading"):
                # The regressions of a decomposition stand below it, before the next one.
                regression = pd.Series(False, index=frame.index)
                below = frame.index[
                    (frame["group"] == group)
                    & (frame.index > place.max())
                    & label.str.contains(way)
                ]
                regression[below[: frame["seed"].nunique()]] = True
                for metric in ("dxa_pcc", "qct_pcc"):
                    found = compared(frame, regression, alone, metric)
                    yield f"{group}: regression ({way}) less decomposition", metric, found
                    found = compared(frame, regression, conventional, metric)
                    yield f"{group}: regression ({way}) less conventional", metric, found
            for metric in ("dxa_pcc", "qct_pcc"):
                found = compared(frame, alone, conventional, metric)
                yield f"{group}: decomposition less conventional", metric, found


def page(folder: Path, note: str) -> Iterator[str]:
    yield "# The paper's tables, on virtual subjects\n"
    yield (
        "**Virtual subjects: no clinical evidence, and not to be ranked against results on "
        f"patients.** Written by `docs/scripts/make_tables.py`. {note}\n"
    )
    yield (
        "Rows are held-out subjects of all folds, with 95 % intervals over subjects; every row was "
        "trained with each seed, and all seeds are shown, also those that fail.\n"
    )
    yield "## What the comparisons come to\n"
    yield "Differences by training seed; above zero is what the paper found.\n"
    yield "| comparison | metric | by seed | seeds above zero |"
    yield "|---|---|---|---|"
    for words, metric, found in verdicts(folder):
        if not found:
            continue
        by_seed = ", ".join(f"{seed}: {value:+.3f}" for seed, value in sorted(found.items()))
        above = sum(value > 0 for value in found.values())
        yield f"| {words} | {metric} | {by_seed} | {above} of {len(found)} |"
    yield ""
    for name in PAGES:
        for path in sorted(folder.rglob(f"{name}.md")):
            yield from shown(path)
            yield ""


if __name__ == "__main__":
    tables = Path(sys.argv[1]) / "tables"
    TARGET.write_text("\n".join(page(tables, " ".join(sys.argv[2:]))).rstrip() + "\n")
