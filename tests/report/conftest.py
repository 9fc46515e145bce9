"""A small results tree made by hand: four subjects, two folds, three experiments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.study import Decomposer, Experiment, HipBmdConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.layout import Layout
from bmdpipe.core.metrics import Metrics, write_metrics
from bmdpipe.core.records import Record, Refusal, write_record
from bmdpipe.report.jobs import PREPARATION, Run

HOSTILE = "look <script>alert('x')</script> & \"here\""
SLOPE_ERROR = {
    "label": "slope error",
    "unit": "mg/cm3",
    "n": 3,
    "median": 1.5,
    "q1": 1.0,
    "q3": 2.0,
    "mean": 1.5,
    "worst": 2.5,
    "worst_subject": "S2",
}
Draw = Callable[[Path, str], None]


def dot(path: Path, name: str) -> None:
    """A tiny picture."""
    del name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 4), 128).save(path)


def study() -> HipBmdConfig:
    return HipBmdConfig(
        decomposers={"main": Decomposer(stage_one_epochs=3, stage_two_epochs=2)},
        experiments={
            "conventional": Experiment(method="conventional"),
            "decomposition": Experiment(method="decomposition", decomposer="main"),
            "decomposition-regression": Experiment(method="regression", decomposer="main"),
        },
    )


class Tree:
    """Writes what the stages leave. `S4` is quarantined in calibration, a part of `S3` later."""

    def __init__(self, root: Path, cohort: str = "demo", n: int = 4, draw: Draw = dot) -> None:
        self.run = Run(
            Layout(str(root), cohort), tuple(f"S{i + 1}" for i in range(n)), study(), 2, True
        )
        self.draw = draw
        self.config: dict[str, Any] = {
            "cohort": {"kind": "virtual", "name": cohort},
            "folds": {"n_folds": 2, "seed": 3},
            "hip_bmd": self.run.study.model_dump(mode="json"),
        }

    def write(self) -> Tree:
        for number, subject in enumerate(self.run.subjects):
            self.subject(number, subject)
        for fold in range(self.run.n_folds):
            self.job("segment_train", fold=fold)
        self.draw(self.job("pairs") / "augmentation.png", "augmentation")
        for experiment in self.run.study.experiments:
            for job in self.run.jobs_of(experiment):
                self.training(job.folder, 0.5 + job.fold)
            self.predictions(experiment)
            self.evaluation(experiment)
        write_json(
            self.folder("evaluate_stages") / "evaluation.json",
            {"virtual": True, "stages": {"calibrate": {"summary": {"slope": SLOPE_ERROR}}}},
        )
        self.draw(self.folder("evaluate_stages") / "stages.png", "stages")
        write_metrics(
            self.folder("evaluate_stages"),
            Metrics(values={"calibrate_slope_median": 1.5}, artefacts=("stages.png",)),
        )
        return self

    def folder(self, stage: str, **keys: str | int) -> Path:
        folder = self.run.at(stage, **keys)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def job(self, stage: str, **keys: str | int) -> Path:
        folder = self.folder(stage, **keys)
        write_metrics(folder, Metrics(params={"seed": 1}, values={"loss": 0.25}))
        write_json(folder / "manifest.json", {"stage": stage, "keys": keys, "code": "c0de"})
        return folder

    def training(self, folder: Path, value: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        series = {"loss": [(epoch, value / (epoch + 1)) for epoch in range(3)]}
        write_metrics(folder, Metrics({"lr": 1e-3}, {"final_loss": value}, series))
        write_json(folder / "manifest.json", {"stage": "train", "code": "c0de"})
        lines = [f"{epoch}\t{value / (epoch + 1)}\n" for epoch in range(3)]
        if "predict" not in folder.parts:
            (folder / "history.tsv").write_text("epoch\tloss\n" + "".join(lines))

    def predictions(self, experiment: str) -> None:
        header = (
            "case\tsubject\tradiograph\tpositioning\tside\tfold\ttarget\tbmd_true\tbmd_pred"
            "\tbmd_projection\tflags\n"
        )
        for fold in range(self.run.n_folds):
            rows = [
                f"{s}/standing/R\t{s}\tstanding\tstanding\tR\t{fold}\tdxa\t0.75\t0.7812\t0.76\t\n"
                for s in self.run.subjects[fold::2]
            ]
            path = self.run.at("predict", experiment=experiment, fold=fold) / "predictions.tsv"
            path.write_text(header + "".join(rows))

    def subject(self, number: int, subject: str) -> None:
        refusal = None
        for stage in PREPARATION:
            folder = self.folder(stage, subject=subject)
            parts: tuple[Refusal, ...] = ()
            warnings: tuple[CaseWarning, ...] = ()
            if subject == "S4" and stage == "calibrate":
                refusal = Refusal.of(CaseError("E_NO_PHANTOM", subject, HOSTILE), stage)
            if subject == "S3" and stage == "register":
                error = CaseError("E_REGISTRATION", "S3/standing", "too dark")
                parts = (Refusal.of(error, stage),)
                warnings = (CaseWarning("W_REGISTRATION", "pelvis: similarity 0.1"),)
            write_record(folder, Record(stage, subject, refusal, parts, warnings))
            metrics = Metrics(values={"score": 1.0 + number}) if refusal is None else Metrics()
            write_metrics(folder, metrics)
            if stage == "import":
                write_json(folder / "subject.json", self.person(number, subject))
            elif refusal is None:
                self.pictures(folder, stage)
        self.benchmark("calibrate", subject, 2.0 + number)

    def person(self, number: int, subject: str) -> dict[str, Any]:
        return {
            "subject": subject,
            "sex": "M" if number == 1 else "F",
            "age_years": 50.0 + 10 * number,
            "bmi": 22.0,
            "side": "R",
            "dataset": "B",
            "dxa_abmd_g_cm2": 0.7 + 0.1 * number,
            "dxa_device": "virtual",
        }

    def pictures(self, folder: Path, stage: str) -> None:
        if stage == "roi":
            hip = {"vbmd_mg_cm3": 250.0, "abmd_g_cm2": 0.8, "volume_ml": 90.0, "area_cm2": 30.0}
            write_json(folder / "roi.json", {"R": hip})
        if stage == "register":
            self.draw(folder / "overlays/standing.png", stage)
        elif stage != "project":
            self.draw(folder / "qc.png", stage)

    def benchmark(self, stage: str, subject: str, seconds: float) -> None:
        path = Path(self.run.layout.benchmark(stage).replace("{subject}", subject))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
            f"{seconds}\t0:00:02\t210.5\t-\t-\t-\t-\t-\t90.0\t1.8\n"
        )

    def evaluation(self, experiment: str, pcc: float = 0.88) -> None:
        folder = self.folder("evaluate", experiment=experiment)
        targets = {
            target: {
                "unit": unit,
                "n_cases": 12,
                "n_subjects": 3,
                "metrics": metrics(pcc, scale, unit),
                "true_projection": metrics(0.93, scale, unit),
                "by_positioning": {"standing": metrics(pcc, scale, unit)},
                "bland_altman": {"bias": 0.1 * scale, "lower": -scale, "upper": scale},
                "left_out": {},
            }
            for target, unit, scale in (("dxa", "g/cm2", 0.055), ("qct", "mg/cm3", 17.9))
        }
        write_json(
            folder / "evaluation.json",
            {"experiment": experiment, "targets": targets, "images": {}},
        )
        figures = tuple(f"{kind}_{t}.png" for kind in ("scatter", "bland_altman") for t in targets)
        for name in figures:
            self.draw(folder / name, name)
        write_metrics(folder, Metrics(values={"dxa.pcc": pcc}, artefacts=figures))
        explained = self.folder("explain", experiment=experiment)
        self.draw(explained / "attention.png", "attention")
        write_json(explained / "explanation.json", {"method": "gradram"})
        write_metrics(explained, Metrics(values={"overlap": 0.5}, artefacts=("attention.png",)))


def metrics(pcc: float, scale: float, unit: str) -> dict[str, Any]:
    def entry(value: float, unit: str, n: int = 12) -> dict[str, Any]:
        return {
            "value": value,
            "n": n,
            "unit": unit,
            "folds": {"0": value, "1": value},
            "fold_mean": value,
            "fold_sd": 0.01,
            "ci_low": value * 0.9,
            "ci_high": value * 1.1,
        }

    return {
        "pcc": entry(pcc, ""),
        "icc_a1": entry(pcc - 0.03, ""),
        "mae": entry(scale, unit),
        "see": entry(scale * 1.3, unit),
        "rms_cv": entry(3.35, "%", 3),
    }


@pytest.fixture(scope="session")
def make_tree() -> type[Tree]:
    return Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "results").write()


MANIFEST = {
    "commit": "abc+",
    "config_hash": "0123",
    "seeds": {"folds.seed": 3},
    "versions": {"bmdpipe": "0.1.0"},
}


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    return dict(MANIFEST)
