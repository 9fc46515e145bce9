"""Whether one row of a table reads BMD better than another: paired over the same radiographs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from bmdpipe.core.tables import TableRow
from bmdpipe.evaluation.agreement import NotMeasurable, pcc

Readings = Mapping[int, pd.DataFrame]
"""A row's held-out predictions of one target by training seed; columns case, subject, bmd_true and
bmd_pred."""


@dataclass(frozen=True)
class Comparison:
    """Two rows of a table, and what is asked of them."""

    words: str
    first: TableRow
    second: TableRow


@dataclass(frozen=True)
class Difference:
    """PCC of the first row less that of the second: by training seed, the mean over seeds, and its
    interval over subjects (None where too few draws have a value)."""

    by_seed: Mapping[int, float]
    mean: float
    low: float | None
    high: float | None


def comparisons(rows: Sequence[TableRow]) -> Iterator[Comparison]:
    """What the paper's tables are read for, within each group: regression against the decomposition
    that it builds on, both against the conventional baseline, hierarchical learning against none.
    """
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        conventional = next((row for row in members if row.label == "conventional"), None)
        without = next((row for row in members if row.label.startswith("without")), None)
        base = conventional
        for row in members:
            if row.label.startswith("with hierarchical") and without is not None:
                yield _compared(row, without)
            if row.label.startswith("decomposition"):
                base = row
            if row.label.startswith("+") and base is not None:
                yield _compared(row, base)
            if row.label.startswith(("+", "decomposition")) and conventional is not None:
                yield _compared(row, conventional)


def _compared(first: TableRow, second: TableRow) -> Comparison:
    return Comparison(f"{first.group}: {first.label} less {second.label}", first, second)


def pcc_difference(
    first: Readings, second: Readings, draws: int, confidence: float, random: Generator
) -> Difference:
    """Compare two rows on the cases that both have under every seed that both were trained with.

    Subjects are drawn with all their radiographs, the same for both rows and for all seeds, so that
    the interval tells of subjects and not of seeds. Raises NotMeasurable if a correlation has no
    value or no seed is shared.
    """
    seeds = sorted(set(first) & set(second))
    if not seeds:
        raise NotMeasurable("no training seed is shared")
    tables = [_known(rows[seed]) for seed in seeds for rows in (first, second)]
    cases = sorted(set.intersection(*(set(table.index) for table in tables)))
    tables = [table.loc[cases] for table in tables]
    truth = tables[0]["bmd_true"].to_numpy(float)
    estimates = [table["bmd_pred"].to_numpy(float) for table in tables]

    def differences(chosen: NDArray[np.int64]) -> list[float]:
        found = [pcc(truth[chosen], estimate[chosen]) for estimate in estimates]
        return [a - b for a, b in zip(found[::2], found[1::2], strict=True)]

    by_seed = differences(np.arange(len(cases)))
    subject = tables[0]["subject"].to_numpy(str)
    owned = [np.flatnonzero(subject == name) for name in np.unique(subject)]
    drawn = []
    for _ in range(draws):
        picked = random.integers(len(owned), size=len(owned))
        try:
            drawn.append(np.mean(differences(np.concatenate([owned[i] for i in picked]))))
        except NotMeasurable:
            continue
    tail = (1.0 - confidence) / 2.0
    enough = len(drawn) >= 0.9 * draws and len(owned) > 2
    low, high = np.quantile(drawn, [tail, 1.0 - tail]) if enough else (None, None)
    return Difference(dict(zip(seeds, by_seed, strict=True)), float(np.mean(by_seed)), low, high)


def _known(table: pd.DataFrame) -> pd.DataFrame:
    return table.dropna(subset=["bmd_true", "bmd_pred"]).set_index("case")


def differences_frame(found: Sequence[tuple[str, str, Difference]]) -> pd.DataFrame:
    """A row per comparison and target, of (words, target, difference)."""
    return pd.DataFrame(
        [
            {
                "comparison": words,
                "target": target,
                "difference": one.mean,
                "low": one.low,
                "high": one.high,
                **{f"seed{seed}": value for seed, value in one.by_seed.items()},
            }
            for words, target, one in found
        ]
    )


def differences_page(found: Sequence[tuple[str, str, Difference]], confidence: float) -> str:
    """The comparisons as Markdown, for under the table."""
    what = (
        f"Mean over training seeds with its {100 * confidence:.0f} % interval over subjects; what "
        "another training would give is not in the interval, but in the seeds beside it.\n"
    )
    lines = [
        "## Differences of PCC, paired over the same radiographs\n",
        what,
        "| comparison | target | difference | by seed |",
        "|---|---|---|---|",
    ]
    for words, target, one in found:
        interval = "" if one.low is None else f" [{one.low:+.3f}, {one.high:+.3f}]"
        seeds = ", ".join(f"{seed}: {value:+.3f}" for seed, value in one.by_seed.items())
        lines.append(f"| {words} | {target.upper()} | {one.mean:+.3f}{interval} | {seeds} |")
    return "\n".join(lines) + "\n"
