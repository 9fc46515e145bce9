"""The experiments behind the paper's tables and figures, made from the study's base decomposer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bmdpipe.core.config.study import Decomposer, Density, Experiment, HipBmdConfig
from bmdpipe.core.names import POSITIONINGS, Positioning

Table = Literal["table2", "table3", "fig7", "fig8", "fig9", "fig12"]
TABLES: tuple[Table, ...] = ("table2", "table3", "fig7", "fig8", "fig9", "fig12")
TWO: tuple[Positioning, ...] = ("standing", "supine")
STANDING: tuple[Positioning, ...] = ("standing",)

Way = tuple[str, str, dict[str, str]]
TRANSFORMER_WAYS: tuple[Way, ...] = (
    ("frozen", "+ regression (encoder frozen)", {"method": "regression"}),
    ("tuned", "+ regression (tuned)", {"method": "regression", "encoder": "tuned"}),
)
PROJECTION_WAY: Way = (
    "projection",
    "+ regression (from the reading; not the paper's)",
    {"method": "regression", "head": "projection"},
)


@dataclass(frozen=True)
class TableRow:
    """A row: where it stands in the paper's table, and its experiments, one per training seed.

    `decomposers` are theirs, None for the conventional method.
    """

    group: str
    label: str
    experiments: tuple[str, ...]
    decomposers: tuple[str | None, ...]


@dataclass(frozen=True)
class _Plan:
    """A row before its seeds: `name` is unique within all tables."""

    group: str
    label: str
    name: str
    experiment: Experiment
    decomposer_name: str | None
    decomposer: Decomposer | None


def rows_of(table: Table, study: HipBmdConfig, uncalibrated: bool) -> list[TableRow]:
    """The rows of a table; those from uncalibrated CT only where it was projected."""
    return [
        TableRow(
            plan.group,
            plan.label,
            tuple(_named(plan.name, seed) for seed in study.tables.seeds),
            tuple(
                plan.decomposer_name and _named(plan.decomposer_name, seed)
                for seed in study.tables.seeds
            ),
        )
        for plan in _plans(table, study, uncalibrated)
    ]


def with_tables(study: HipBmdConfig, uncalibrated: bool) -> HipBmdConfig:
    """The study with the decomposers and experiments of all its tables.

    Without its base decomposer a study has no tables.
    """
    decomposers, experiments = dict(study.decomposers), dict(study.experiments)
    if study.tables.base not in study.decomposers:
        return study
    for table in TABLES:
        for plan in _plans(table, study, uncalibrated):
            for seed in study.tables.seeds:
                given: dict[str, int | str] = {"seed": seed}
                if plan.decomposer is not None and plan.decomposer_name is not None:
                    name = _named(plan.decomposer_name, seed)
                    decomposers[name] = plan.decomposer.model_copy(update={"seed": seed})
                    given["decomposer"] = name
                experiments[_named(plan.name, seed)] = plan.experiment.model_copy(update=given)
    return study.model_copy(update={"decomposers": decomposers, "experiments": experiments})


def _plans(table: Table, study: HipBmdConfig, uncalibrated: bool) -> Iterator[_Plan]:
    if table in ("table3", "fig12"):
        yield from _ablation(study)
    else:
        kept = {
            "table2": lambda plan: plan.name.startswith("t2-"),
            "fig7": lambda plan: plan.name.endswith("-qct-tuned"),
            "fig8": lambda plan: plan.name in ("t2-4-qct-decomposition", "t2-4-qct-tuned"),
            "fig9": lambda plan: plan.name in ("t2-4-qct-decomposition", "t2-4-qct-tuned"),
        }[table]
        yield from (plan for plan in _overall(study, uncalibrated) if kept(plan))


def _overall(study: HipBmdConfig, uncalibrated: bool) -> Iterator[_Plan]:
    """Gu 2023 Table 2: positionings and calibration in training, and the three ways to BMD."""
    name_alone = study.tables.decomposition or study.tables.base
    yield _Plan(
        "four positionings",
        "conventional",
        "t2-conventional",
        Experiment(method="conventional"),
        None,
        None,
    )
    densities: tuple[tuple[Density, str], ...] = (("qct", "QCT"), ("ct", "uncalibrated CT"))
    for positionings, words in ((POSITIONINGS, "four positionings"), (TWO, "two positionings")):
        for density, shown in densities[: 2 if uncalibrated else 1]:
            stem = f"t2-{len(positionings)}-{density}"
            alone = f"decomposition using {shown}"
            ways = [("decomposition", alone, {"method": "decomposition"}, name_alone)]
            if "transformer" in study.tables.heads:
                of_ct = "" if density == "qct" else f", {shown}"
                ways += [
                    (name, label + of_ct, way, study.tables.base)
                    for name, label, way in TRANSFORMER_WAYS
                ]
            # Beside the paper's best row of decompositions, and nowhere else.
            first = (positionings, density) == (POSITIONINGS, "qct")
            if first and "projection" in study.tables.heads:
                ways.append((*PROJECTION_WAY, study.tables.base))
            for name, label, way, name_of_base in ways:
                decomposer = study.decomposers[name_of_base].model_copy(
                    update={"positionings": positionings, "density": density, "hierarchical": True}
                )
                experiment = Experiment.model_validate(
                    {"encoder": "frozen", **way}
                    | {"decomposer": name_of_base, "positionings": positionings}
                )
                yield _Plan(
                    words, label, f"{stem}-{name}", experiment, f"{stem}-{name_of_base}", decomposer
                )


def _ablation(study: HipBmdConfig) -> Iterator[_Plan]:
    """Gu 2023 Table 3 and Fig. 12: backbones with and without hierarchical learning, standing;
    all start afresh, for weights of another cohort belong to one backbone."""
    base = study.decomposers[study.tables.base]
    for backbone in study.tables.backbones:
        for hierarchical in (False, True):
            stem = f"t3-{backbone}-{'hl' if hierarchical else 'plain'}"
            decomposer = base.model_copy(
                update={
                    "backbone": backbone,
                    "hierarchical": hierarchical,
                    "positionings": STANDING,
                    "density": "qct",
                    "pretrained": None,
                }
            )
            experiment = Experiment(
                method="decomposition", decomposer=study.tables.base, positionings=STANDING
            )
            label = f"with{'' if hierarchical else 'out'} hierarchical learning"
            yield _Plan(backbone, label, stem, experiment, stem, decomposer)


def _named(name: str, seed: int) -> str:
    return f"{name}-seed{seed}"
