"""One of the paper's tables or figures from the experiments that it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import safe_open

from bmdpipe.core.atomic import read_json, write_text
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import (
    COMPRESSED,
    DIFFERENCES,
    EVALUATION,
    HISTORY,
    POSES,
    PREDICTED_PROJECTIONS,
    PREDICTIONS,
    TABLE,
    TABLE_FIGURE,
    TABLE_PAGE,
)
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.tables import TableRow
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.differences import (
    Difference,
    comparisons,
    differences_frame,
    differences_page,
    pcc_difference,
)
from bmdpipe.evaluation.joint_errors import ANGLES, AngleError, angle_page, errors_by_angle
from bmdpipe.evaluation.predictions import UNITS
from bmdpipe.evaluation.table_figures import (
    agreement_of,
    by_positioning,
    compression_curves,
    convergence,
    joint_angle_errors,
    outlier_sheet,
)
from bmdpipe.evaluation.tables import (
    Entry,
    columns_of,
    table_frame,
    table_page,
    with_true_projections,
)
from bmdpipe.pairs.store import read_pairs
from workflow_scripts.job import Job, Outcome, run_job

TITLES = {
    "table2": "Table 2: BMD estimation",
    "table3": "Table 3: backbones with and without hierarchical learning",
    "fig7": "Fig. 7: by positioning",
    "fig8": "Fig. 8: compressed radiographs",
    "fig9": "Fig. 9 to 11: the largest errors",
    "fig12": "Fig. 12: hierarchical learning",
}
SHOWN_OUTLIERS = 6


def table(job: Job, out: Path) -> Outcome:
    """The numbers as TSV and Markdown, and the figure where the table has one."""
    name = job.keys["table"]
    rows = [TableRow(**{**row, "experiments": tuple(row["experiments"])}) for row in _raw(job)]
    entries = list(_entries(job, rows))
    columns = columns_of("table3" if name in ("table3", "fig12") else "table2", _targets(job))
    frame = table_frame(with_true_projections(entries) if name == "table2" else entries, columns)
    write_text(out / TABLE.format(table=name), frame.to_csv(sep="\t", index=False))
    title = TITLES[name] + (" (virtual subjects)" if job.config["virtual"] else "")
    page = table_page(frame, columns, title)
    if name in ("table2", "table3"):
        config = job.section("evaluation", EvaluationConfig)
        found = list(_differences(job, rows, config))
        write_text(out / DIFFERENCES, differences_frame(found).to_csv(sep="\t", index=False))
        page += "\n" + differences_page(found, config.confidence)
    write_text(out / TABLE_PAGE.format(table=name), page)
    draw = {"fig7": _fig7, "fig8": _fig8, "fig9": _fig9, "fig12": _fig12}.get(name)
    if draw is not None:
        draw(job, rows, out)
    return Outcome(Metrics(values={"rows": len(frame)}))


def _raw(job: Job) -> list[dict[str, Any]]:
    return [{**row, "decomposers": tuple(row["decomposers"])} for row in job.config["rows"]]


def _targets(job: Job) -> list[str]:
    return list(job.config["targets"])


def _entries(job: Job, rows: list[TableRow]) -> Iterator[Entry]:
    for row in rows:
        for seed, experiment in zip(job.config["seeds"], row.experiments, strict=True):
            result = read_json(job.at("evaluate", experiment=experiment) / EVALUATION)
            yield Entry(row.group, row.label, seed, result)


def _differences(
    job: Job, rows: list[TableRow], config: EvaluationConfig
) -> Iterator[tuple[str, str, Difference]]:
    """Each comparison and target that has a value."""
    seeds = job.config["seeds"]
    for pair in comparisons(rows):
        tables = [
            {
                seed: _predictions(job, name)
                for seed, name in zip(seeds, row.experiments, strict=True)
            }
            for row in (pair.first, pair.second)
        ]
        for target in _targets(job):
            first, second = (
                {seed: t[t["target"] == target] for seed, t in of_row.items()} for of_row in tables
            )
            random = np.random.default_rng(config.seed)
            try:
                found = pcc_difference(
                    first, second, config.bootstrap_samples, config.confidence, random
                )
            except NotMeasurable:
                continue
            yield pair.words, target, found


def _folds(job: Job) -> range:
    return range(int(job.config["folds"]))


def _predictions(job: Job, experiment: str) -> pd.DataFrame:
    """All held-out rows of an experiment."""
    tables = [
        pd.read_csv(job.at("predict", experiment=experiment, fold=fold) / PREDICTIONS, sep="\t")
        for fold in _folds(job)
    ]
    return pd.concat(tables, ignore_index=True)


def _fig7(job: Job, rows: list[TableRow], out: Path) -> None:
    """Of the first seed."""
    tables = {row.group: _predictions(job, row.experiments[0]) for row in rows}
    for target in _targets(job):
        of_target = {name: t[t["target"] == target] for name, t in tables.items()}
        path = out / TABLE_FIGURE.format(table=f"fig7_{target}")
        by_positioning(path, of_target, target, UNITS[target], bool(job.config["virtual"]))


def _fig8(job: Job, rows: list[TableRow], out: Path) -> None:
    """Correlations of every compression, a line each in compressed.tsv and as curves."""
    lines: list[dict[str, Any]] = []
    for row in rows:
        for seed, experiment in zip(job.config["seeds"], row.experiments, strict=True):
            found = pd.concat(
                pd.read_csv(
                    job.at("compress", experiment=experiment, fold=fold) / COMPRESSED, sep="\t"
                )
                for fold in _folds(job)
            )
            for (target, kind, setting), part in found.groupby(
                ["target", "compression", "setting"], sort=False
            ):
                lines.append(
                    {
                        "label": row.label,
                        "seed": seed,
                        "target": target,
                        "compression": kind,
                        "setting": setting,
                        "size_kb": part["size_kb"].mean(),
                        **agreement_of(part),
                    }
                )
    curves = pd.DataFrame(lines)
    write_text(out / COMPRESSED, curves.to_csv(sep="\t", index=False))
    compression_curves(out / TABLE_FIGURE.format(table="fig8"), curves, bool(job.config["virtual"]))


def _fig9(job: Job, rows: list[TableRow], out: Path) -> None:
    """Errors over the hip's angles (10), and the cases of the decomposition that are farthest from
    the truth (11), both of the first seed.

    Bland-Altman's figures (9) with their case-level outliers stand with each evaluation.
    """
    _fig10(job, rows[-1], out)
    experiment = rows[0].experiments[0]
    table = _predictions(job, experiment)
    for target in _targets(job):
        of_target = table[table["target"] == target]
        error = (of_target["bmd_pred"] - of_target["bmd_true"]).abs()
        worst = of_target.loc[error.sort_values(ascending=False).index[:SHOWN_OUTLIERS]]
        cases = [_images(job, experiment, row) for row in worst.to_dict("records")]
        path = out / TABLE_FIGURE.format(table=f"fig11_{target}")
        outlier_sheet(path, cases, UNITS[target], bool(job.config["virtual"]))


def _fig10(job: Job, row: TableRow, out: Path) -> None:
    """Of the regression: where the joint's angles are known, which registration left."""
    table = _predictions(job, row.experiments[0])
    table = table.join(table["case"].map(_joints(job, table)).apply(pd.Series))
    virtual = bool(job.config["virtual"])
    lines: list[tuple[str, AngleError]] = []
    for target in _targets(job):
        known = table[table["target"] == target].dropna(subset=["bmd_true", "bmd_pred", *ANGLES])
        found = errors_by_angle(known)
        lines += [(target, angle) for angle in found]
        path = out / TABLE_FIGURE.format(table=f"fig10_{target}")
        joint_angle_errors(path, known, found, UNITS[target], virtual)
    title = "Fig. 10: error against the hip's angles" + (" (virtual subjects)" if virtual else "")
    write_text(out / TABLE_PAGE.format(table="fig10"), angle_page(lines, title))


def _joints(job: Job, table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The angles of each case's hip, degrees."""
    poses = {
        subject: read_json(job.at("register", subject=subject) / POSES)
        for subject in table["subject"].unique()
    }
    joints = {}
    for case in table["case"].unique():
        subject, radiograph, side = case.split("/")
        angles = poses[subject][radiograph]["joints_deg"][side]
        joints[case] = {angle: float(angles[angle]) for angle in ANGLES}
    return joints


def _images(job: Job, experiment: str, row: dict[Any, Any]) -> dict[str, Any]:
    """A case's prediction with its radiograph and its projections."""
    pairs = read_pairs(job.at("pairs"), {row["subject"]}, ("radiograph",), target_only=True)
    place = [case.name for case in pairs.cases].index(row["case"])
    stored = job.at("predict", experiment=experiment, fold=row["fold"]) / PREDICTED_PROJECTIONS
    with safe_open(stored, framework="np") as stream:
        names = json.loads(stream.metadata()["cases"])
        true, made = (
            stream.get_slice(kind)[names.index(row["case"])] for kind in ("pf_true", "pf_pred")
        )
    return {
        **row,
        "radiograph": pairs.images["radiograph"][np.array([place])][0],
        "pf_true": true,
        "pf_pred": made,
    }


def _fig12(job: Job, rows: list[TableRow], out: Path) -> None:
    histories: dict[str, NDArray] = {}
    for row in rows:
        curves = [
            pd.read_csv(
                job.at("train_stage_two", decomposer=str(decomposer), fold=fold) / HISTORY, sep="\t"
            )["l1"].to_numpy()
            for decomposer in row.decomposers
            for fold in _folds(job)
        ]
        histories[f"{row.group}, {row.label}"] = np.mean(curves, axis=0)
    convergence(out / TABLE_FIGURE.format(table="fig12"), histories, bool(job.config["virtual"]))


if __name__ == "__main__":
    run_job("table", table)
