"""Segment one subject's CT with the network that never saw the subject."""

from __future__ import annotations

import csv
from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import (
    BONE_LABELS,
    CT,
    FOLDS,
    LABELS,
    MODEL,
    QC,
    QUALITY,
    SEGMENTATION,
    SUBJECT,
    UNCERTAINTY,
    WEIGHTS,
)
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.nifti import read_meta, read_volume, write_volume
from bmdpipe.segmentation.given import given_bones
from bmdpipe.segmentation.picture import draw_segmentation
from bmdpipe.segmentation.quality import QualityLine
from bmdpipe.segmentation.saved import restore
from bmdpipe.segmentation.subject import Segmented, segment_subject
from workflow_scripts.job import Job, Outcome, run_case


def segment(job: Job, out: Path) -> Outcome:
    config = job.section("segmentation", SegmentationConfig)
    subject = job.keys["subject"]
    imported = job.at("import")
    ct, side = read_volume(imported / CT), read_json(imported / SUBJECT)["side"]
    masks = imported / BONE_LABELS
    if masks.is_file():
        source = "bone_labels"
        found = given_bones(read_volume(masks), ct, subject, side, config)
    else:
        source, found = _by_network(job, ct, side, config)
    write_volume(out / LABELS, found.labels)
    if found.variance is not None:
        write_volume(out / UNCERTAINTY, found.variance)
    structures = {
        name: {k: v for k, v in vars(measured).items() if v is not None}
        for name, measured in found.structures.items()
    }
    write_json(out / SEGMENTATION, {"source": source, "structures": structures})
    draw_segmentation(out / QC, ct, found.labels, found.variance, _title(subject, found))
    values = {
        f"{quantity}_{name}": value
        for name, measured in structures.items()
        for quantity, value in measured.items()
    }
    return Outcome(Metrics(values=values, artefacts=(QC,)), warnings=found.warnings)


def _by_network(
    job: Job, ct: Volume, side: str, config: SegmentationConfig
) -> tuple[str, Segmented]:
    """What segmented the subject, and the segmentation."""
    subject = job.keys["subject"]
    if config.trained is not None:
        source, weights, lines = config.trained, Path(config.trained), Path(config.trained)
    else:
        fold = fold_of(job, subject)
        source = f"fold {fold}"
        weights, lines = job.at("segment_train", fold=fold), job.at("segment_quality", fold=fold)
    for path in (weights / WEIGHTS, weights / MODEL, lines / QUALITY):
        if not path.is_file():
            raise UsageError(f"segmentation.trained: {path} does not exist")
    model = read_json(weights / MODEL)
    digest = read_meta(job.at("import") / CT).get("digest")
    if digest is not None and digest in model.get("trained_on_ct", ()):
        raise UsageError(
            f"segmentation.trained: the network was trained on {subject}'s CT; leave the subject "
            "out, or let every fold train its own network"
        )
    net, network = restore(weights / WEIGHTS, model)
    quality = {
        name: QualityLine(**line) for name, line in read_json(lines / QUALITY)["lines"].items()
    }
    device = pick_device(config.device)
    return source, segment_subject(net, ct, subject, side, network, quality, config, device)


def _title(subject: str, found: Segmented) -> str:
    predicted = [
        f"{name} {measured.predicted_dice:.2f}"
        for name, measured in found.structures.items()
        if measured.predicted_dice is not None
    ]
    return f"{subject}: " + (
        "predicted Dice " + ", ".join(predicted) if predicted else "the user's own masks"
    )


def fold_of(job: Job, subject: str) -> int:
    """The fold whose model was trained without the subject; CaseError where none is trained."""
    table = job.at("folds") / FOLDS
    if not table.is_file():
        hint = "name its label map in bone_labels, or a network in segmentation.trained"
        raise CaseError("E_SEGMENTATION", subject, hint)
    with table.open(encoding="utf-8") as stream:
        folds = {row["subject"]: int(row["fold"]) for row in csv.DictReader(stream, delimiter="\t")}
    if subject not in folds:
        raise UsageError(f"{subject} has no fold in {job.at('folds') / FOLDS}")
    return folds[subject]


if __name__ == "__main__":
    run_case("segment", segment, needs=("import",))
