"""Train a fold's segmentation network on the annotated subjects of the other folds."""

from __future__ import annotations

import csv
from pathlib import Path

from bmdpipe.core.atomic import write_json, write_text
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import CT, EXPERT_LABELS, FOLDS, HISTORY, MODEL, WEIGHTS
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.provenance import file_hash
from bmdpipe.core.records import read_record
from bmdpipe.core.training_state import mark_ended
from bmdpipe.imaging.metal import without_metal
from bmdpipe.imaging.nifti import read_meta, read_volume
from bmdpipe.segmentation.fold import train_fold
from bmdpipe.segmentation.saved import save
from bmdpipe.segmentation.slices import Annotated
from bmdpipe.segmentation.training import HISTORY_COLUMNS
from workflow_scripts.job import Job, Outcome, run_job

STATE = "epoch.safetensors"


def segment_train(job: Job, out: Path) -> Outcome:
    config = job.section("segmentation", SegmentationConfig)
    fold = int(job.keys["fold"])
    subjects = annotated_subjects(job, fold)
    files = [job.at("import", subject=s) / name for s in subjects for name in (CT, EXPERT_LABELS)]

    def read(subject: str) -> Annotated:
        folder = job.at("import", subject=subject)
        ct = without_metal(read_volume(folder / CT))
        return Annotated(subject, ct, read_volume(folder / EXPERT_LABELS))

    state = job.state(file_hash(files))
    model = train_fold(subjects, read, config, fold, pick_device(config.device), state)
    mark_ended(state)
    described = {
        "fold": fold,
        **save(out / WEIGHTS, model.net, config.network),
        "trained_on": list(model.trained_on),
        "held_out": list(model.held_out),
        "trained_on_ct": [
            read_meta(job.at("import", subject=s) / CT).get("digest") for s in model.trained_on
        ],
    }
    write_json(out / MODEL, described)
    rows = [[row[column] for column in HISTORY_COLUMNS] for row in model.history]
    lines = ["\t".join(HISTORY_COLUMNS), *("\t".join(f"{v:.6g}" for v in row) for row in rows)]
    write_text(out / HISTORY, "\n".join(lines) + "\n")
    series = {
        name: [(int(row["epoch"]), row[name]) for row in model.history]
        for name in HISTORY_COLUMNS[1:]
    }
    return Outcome(
        Metrics(
            params={
                "trained_on": len(model.trained_on),
                "held_out": len(model.held_out),
                "depth": config.network.depth,
                "base_filters": config.network.base_filters,
                "epochs": config.training.epochs,
            },
            values={"loss": model.history[-1]["loss"]},
            series=series,
        )
    )


def annotated_subjects(job: Job, fold: int) -> list[str]:
    """The usable annotated subjects of all folds but one; raises UsageError if there is none."""
    with (job.at("folds") / FOLDS).open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    others = [row["subject"] for row in rows if int(row["fold"]) != fold]
    folders = {subject: job.at("import", subject=subject) for subject in others}
    found = [s for s, f in folders.items() if read_record(f).ok and (f / EXPERT_LABELS).is_file()]
    if not found:
        raise UsageError(
            f"no subject outside fold {fold} has expert labels: annotate some subjects' CTs of "
            "every fold, or use fewer folds"
        )
    return found


if __name__ == "__main__":
    run_job("segment_train", segment_train)
