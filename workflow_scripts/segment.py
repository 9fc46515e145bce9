"""Segment one subject's CT with the network that never saw the subject."""

from __future__ import annotations

import csv
from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import (
    CT,
    FOLDS,
    LABELS,
    MODEL,
    QC,
    SEGMENTATION,
    SUBJECT,
    UNCERTAINTY,
    WEIGHTS,
)
from bmdpipe.core.metrics import Metrics
from bmdpipe.imaging.nifti import read_volume, write_volume
from bmdpipe.segmentation.fold import restore
from bmdpipe.segmentation.picture import draw_segmentation
from bmdpipe.segmentation.subject import segment_subject
from workflow_scripts.job import Job, Outcome, run_case


def segment(job: Job, out: Path) -> Outcome:
    config = job.section("segmentation", SegmentationConfig)
    subject = job.keys["subject"]
    fold = fold_of(job, subject)
    trained = job.at("segment_train", fold=fold)
    net, network, quality = restore(trained / WEIGHTS, read_json(trained / MODEL))
    ct = read_volume(job.at("import") / CT)
    side = read_json(job.at("import") / SUBJECT)["side"]
    device = pick_device(config.device)
    found = segment_subject(net, ct, subject, side, network, quality, config, device)
    write_volume(out / LABELS, found.labels)
    write_volume(out / UNCERTAINTY, found.variance)
    structures = {name: vars(measured) for name, measured in found.structures.items()}
    write_json(out / SEGMENTATION, {"fold": fold, "structures": structures})
    title = ", ".join(f"{n} {m.predicted_dice:.2f}" for n, m in found.structures.items())
    draw_segmentation(
        out / QC, ct, found.labels, found.variance, f"{subject}: predicted Dice {title}"
    )
    values = {
        f"{quantity}_{name}": value
        for name, measured in structures.items()
        for quantity, value in measured.items()
    }
    return Outcome(Metrics(values=values, artefacts=(QC,)), warnings=found.warnings)


def fold_of(job: Job, subject: str) -> int:
    """The fold whose model was trained without the subject."""
    with (job.at("folds") / FOLDS).open(encoding="utf-8") as stream:
        folds = {row["subject"]: int(row["fold"]) for row in csv.DictReader(stream, delimiter="\t")}
    if subject not in folds:
        raise UsageError(f"{subject} has no fold in {job.at('folds') / FOLDS}")
    return folds[subject]


if __name__ == "__main__":
    run_case("segment", segment, needs=("import",))
