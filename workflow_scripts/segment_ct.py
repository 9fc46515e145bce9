"""Segment the CT of a subject outside of any fold: by its own label map, or a network on disk."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.ct_only import CtOnlyConfig
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import (
    CT,
    EXPERT_LABELS,
    LABELS,
    MODEL,
    QC,
    SEGMENTATION,
    SUBJECT,
    UNCERTAINTY,
    WEIGHTS,
)
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.nifti import read_volume, write_volume
from workflow_scripts.job import Job, Outcome, run_case


def segment(job: Job, out: Path) -> Outcome:
    given = job.at("import") / EXPERT_LABELS
    if given.is_file():
        labels = read_volume(given)
        write_volume(out / LABELS, labels)
        write_json(out / SEGMENTATION, {"source": "given", "structures": {}})
        return Outcome(Metrics(params={"source": "given"}))
    network = job.section("ct_only", CtOnlyConfig).network
    if network is None:
        hint = "no label map in ct_labels, and no network in ct_only.network"
        raise CaseError("E_SEGMENTATION", job.keys["subject"], hint)
    return _by_network(job, out, read_volume(job.at("import") / CT), Path(network))


def _by_network(job: Job, out: Path, ct: Volume, trained: Path) -> Outcome:
    from bmdpipe.core.device import pick_device
    from bmdpipe.segmentation.fold import restore
    from bmdpipe.segmentation.picture import draw_segmentation
    from bmdpipe.segmentation.subject import segment_subject

    config, subject = job.section("segmentation", SegmentationConfig), job.keys["subject"]
    net, network, quality = restore(trained / WEIGHTS, read_json(trained / MODEL))
    side = read_json(job.at("import") / SUBJECT)["side"]
    device = pick_device(config.device)
    found = segment_subject(net, ct, subject, side, network, quality, config, device)
    write_volume(out / LABELS, found.labels)
    write_volume(out / UNCERTAINTY, found.variance)
    structures = {name: vars(measured) for name, measured in found.structures.items()}
    write_json(out / SEGMENTATION, {"source": str(trained), "structures": structures})
    title = ", ".join(f"{n} {m.predicted_dice:.2f}" for n, m in found.structures.items())
    title = f"{subject}: predicted Dice {title}"
    draw_segmentation(out / QC, ct, found.labels, found.variance, title)
    return Outcome(Metrics(params={"source": "network"}, artefacts=(QC,)), found.warnings)


if __name__ == "__main__":
    run_case("segment", segment, needs=("import",))
