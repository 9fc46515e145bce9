"""Fit a fold's lines from variance to Dice, on annotated subjects that its training left out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import CT, EXPERT_LABELS, MODEL, QC, QUALITY, WEIGHTS
from bmdpipe.core.metrics import Metrics
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.segmentation.quality import fit_quality
from bmdpipe.segmentation.quality_fit import quality_points
from bmdpipe.segmentation.quality_picture import draw_quality
from bmdpipe.segmentation.saved import restore
from bmdpipe.segmentation.slices import Annotated
from workflow_scripts.job import Job, Outcome, run_job


def segment_quality(job: Job, out: Path) -> Outcome:
    config = job.section("segmentation", SegmentationConfig)
    trained = job.at("segment_train")
    model = read_json(trained / MODEL)
    net, network = restore(trained / WEIGHTS, model)

    def read(subject: str) -> Annotated:
        folder = job.at("import", subject=subject)
        return Annotated(subject, read_volume(folder / CT), read_volume(folder / EXPERT_LABELS))

    held_out = model["held_out"]
    subjects = held_out or model["trained_on"]
    device = pick_device(config.device)
    points = quality_points(net, network, subjects, read, config, device)
    for name, found in points.items():
        if not found:
            raise UsageError(
                f"the network found no {name} in any of {', '.join(subjects)}, whose labels are "
                "known: train longer, lower segmentation.training.learning_rate or set its "
                "clip_norm, or annotate more subjects"
            )
    lines = {name: fit_quality(found) for name, found in points.items()}
    described = {
        "fitted_on": "held-out subjects" if held_out else "training subjects",
        "lines": {name: asdict(line) for name, line in lines.items()},
        "points": {name: [asdict(point) for point in found] for name, found in points.items()},
    }
    write_json(out / QUALITY, described)
    draw_quality(out / QC, points, lines, f"fold {job.keys['fold']}, {described['fitted_on']}")
    values = {
        f"{quantity}_{name}": getattr(line, quantity)
        for name, line in lines.items()
        for quantity in ("rank_correlation", "residual", "error")
    }
    for name, found in points.items():
        plain = [point.dice for point in found if point.worsened == 0]
        if held_out and plain:
            values[f"held_out_dice_{name}"] = float(np.mean(plain))
    return Outcome(Metrics(values=values, artefacts=(QC,)))


if __name__ == "__main__":
    run_job("segment_quality", segment_quality)
