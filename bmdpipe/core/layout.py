"""Every path of a run is built here: `results/<cohort>/<stage>/<key>/...`."""

from __future__ import annotations

from dataclasses import dataclass

STAGES: dict[str, str] = {
    "simulate": "simulate/{subject}",
    "import": "import/{subject}",
    "folds": "folds",
    "calibrate": "calibrate/{subject}",
    "segment_train": "segment_train/fold{fold}",
    "segment_quality": "segment_quality/fold{fold}",
    "segment": "segment/{subject}",
    "roi": "roi/{subject}",
    "expose": "expose/{subject}",
    "register": "register/{subject}",
    "recover": "recover/{subject}",
    "project": "project/{subject}",
    "pairs": "pairs",
    "train_stage_one": "train/decomposers/{decomposer}/fold{fold}/stage_one",
    "train_stage_two": "train/decomposers/{decomposer}/fold{fold}/stage_two",
    "train_stage_three": "train/regression/{experiment}/{target}/fold{fold}",
    "train_conventional": "train/conventional/{experiment}/{target}/fold{fold}",
    "predict": "predict/{experiment}/fold{fold}",
    "evaluate_stages": "evaluate/stages",
    "evaluate": "evaluate/experiments/{experiment}",
    "explain": "explain/{experiment}",
    "compress": "compress/{experiment}/fold{fold}",
    "table": "tables/{table}",
    "report": "report",
    "summary": "summary.json",
    "track": "tracked.json",
    "study_cohort": "studies/{study}/cohort",
    "study_segment": "studies/{study}/segment",
    "study_data": "studies/{study}/data",
    "study_suppress": "studies/{study}/suppress",
    "study_train": "studies/{study}/train/{model}/fold{fold}",
    "study_evaluate": "studies/{study}/evaluate",
    "study_explain": "studies/{study}/explain",
    "study_report": "studies/{study}/report",
    "study_track": "studies/{study}/tracked.json",
}
"""What a stage leaves under the cohort's folder: a folder, or one JSON file."""


@dataclass(frozen=True)
class Layout:
    """Where a cohort's results lie. A key that is not given stays a wildcard of Snakemake."""

    root: str
    cohort: str

    def at(self, stage: str, **keys: str | int) -> str:
        """The folder (or file) of a stage; raises KeyError on a stage that does not exist."""
        path = STAGES[stage]
        for key, value in keys.items():
            if "{" + key + "}" not in path:
                raise KeyError(f"stage {stage} has no key {key}")
            path = path.replace("{" + key + "}", str(value))
        return f"{self.root}/{self.cohort}/{path}"

    def log(self, stage: str) -> str:
        """The log file pattern of a stage's jobs."""
        return f"{self.root}/{self.cohort}/logs/{STAGES[stage].removesuffix('.json')}.log"

    def benchmark(self, stage: str) -> str:
        """The benchmark file pattern of a stage's jobs."""
        return f"{self.root}/{self.cohort}/benchmarks/{STAGES[stage].removesuffix('.json')}.tsv"

    @property
    def state(self) -> str:
        """Undeclared state for resuming a killed training; never an output of a rule."""
        return f"{self.root}/{self.cohort}/state"

    @property
    def summary(self) -> str:
        return self.at("summary")

    @property
    def tracked(self) -> str:
        """The mark that this cohort's metrics have reached the tracking store."""
        return self.at("track")
