"""Which jobs a run of the hip BMD study consists of, and which experiment each serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.config.folds import FoldsConfig
from bmdpipe.core.config.study import HipBmdConfig
from bmdpipe.core.layout import Layout

LAST_STAGE = {"regression": "train_stage_three", "conventional": "train_conventional"}
"""The training that an experiment's own models come from; decomposition needs none."""
PREPARATION = ("import", "calibrate", "segment", "roi", "register", "project")
CT_ONLY = ("import", "calibrate", "segment", "roi", "expose", "register", "project", "recover")


@dataclass(frozen=True)
class FoldJob:
    """A job of one fold of an experiment; `name` is unique within the experiment."""

    name: str
    stage: str
    fold: int
    target: str | None
    folder: Path


@dataclass(frozen=True)
class Run:
    """A cohort's run of the study. Folders are named whether or not they exist."""

    layout: Layout
    subjects: tuple[str, ...]
    study: HipBmdConfig
    n_folds: int
    virtual: bool
    ct_only: bool = False

    @classmethod
    def of(cls, layout: Layout, config: Mapping[str, Any], subjects: Iterable[str]) -> Run:
        """The run that config sections `cohort`, `folds` and `hip_bmd` describe."""
        return cls(
            layout=layout,
            subjects=tuple(subjects),
            study=HipBmdConfig.model_validate(config["hip_bmd"]),
            n_folds=FoldsConfig.model_validate(config["folds"]).n_folds,
            virtual=config["cohort"]["kind"] == "virtual",
            ct_only=bool(config["cohort"].get("ct_only", False)),
        )

    def at(self, stage: str, **keys: str | int) -> Path:
        return Path(self.layout.at(stage, **keys))

    @property
    def subject_stages(self) -> tuple[str, ...]:
        """The stages with a job per subject."""
        return ("simulate", *self.preparation) if self.virtual else self.preparation

    @property
    def preparation(self) -> tuple[str, ...]:
        """Those of them that leave a record, in their order."""
        return CT_ONLY if self.ct_only else PREPARATION

    def jobs_of(self, experiment: str) -> Iterator[FoldJob]:
        """The jobs that made an experiment's predictions, fold by fold, in the order they run.

        A decomposer's jobs are given for each experiment that builds on it.
        """
        for fold in range(self.n_folds):
            yield from self._training(experiment, fold)
            folder = self.at("predict", experiment=experiment, fold=fold)
            yield FoldJob(f"fold{fold}/predict", "predict", fold, None, folder)

    def _training(self, experiment: str, fold: int) -> Iterator[FoldJob]:
        plan = self.study.experiments[experiment]
        if plan.decomposer is not None:
            stages = ["train_stage_one"] if self._hierarchical(plan.decomposer) else []
            for stage in (*stages, "train_stage_two"):
                folder = self.at(stage, decomposer=plan.decomposer, fold=fold)
                yield FoldJob(f"fold{fold}/{short(stage)}", stage, fold, None, folder)
        last = LAST_STAGE.get(plan.method)
        if last is None:
            return
        for target in self.study.targets:
            folder = self.at(last, experiment=experiment, target=target, fold=fold)
            yield FoldJob(f"fold{fold}/{short(last)}/{target}", last, fold, target, folder)

    def _hierarchical(self, decomposer: str) -> bool:
        return self.study.decomposers[decomposer].hierarchical


def short(stage: str) -> str:
    """A training stage's name without `train_`: `stage_one`, `conventional`."""
    return stage.removeprefix("train_")
