"""Label the vertebra of every CT: by the network that annotated cases train, or as annotated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bmdpipe.core.atomic import write_json
from bmdpipe.core.checkpoints import save_weights
from bmdpipe.core.config.ct_bmd import CtBmdConfig
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.device import pick_device
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import CASE_LABELS, CT_CASES, QC, SEGMENTATION, WEIGHTS
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.provenance import file_hash
from bmdpipe.core.records import Refusal
from bmdpipe.core.training_state import mark_ended
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.imaging.ct_any import read_any_ct
from bmdpipe.imaging.nifti import read_foreign, write_volume
from bmdpipe.imaging.orientation import labels_on
from bmdpipe.pairs.ct_cases import BODY, POSTERIOR, CtCase, check_present, read_ct_cases
from bmdpipe.segmentation.networks import Network
from bmdpipe.segmentation.quality import dice_of, mean_variance
from bmdpipe.segmentation.slices import Annotated
from bmdpipe.segmentation.vertebra import segment_vertebra, train_vertebra
from workflow_scripts.job import Job, Outcome, run_job

SHOWN, MARGIN = 4, 12


def ct_bmd_segment(job: Job, out: Path) -> Outcome:
    config = job.section("study", CtBmdConfig)
    imaging = job.section("imaging", ImagingConfig)
    torch.set_num_threads(job.threads)
    folder = Path(config.folder) if config.folder else job.at("study_cohort")
    cases = read_ct_cases(folder)
    annotated = [case for case in cases if case.annotation is not None]
    network = None
    if config.masks == "network":
        network = _trained(job, out, folder, annotated, config, imaging)
        cases = [case for case in cases if case.annotation is None]
    elif len(annotated) < len(cases):
        raise UsageError(f"masks: annotation, but {len(cases) - len(annotated)} cases have none")
    rows, refused = [], []
    shown: list[tuple[str, Volume, Volume, dict[str, float]]] = []
    for case in cases:
        try:
            check_present(case)
            ct = read_any_ct(case.ct, case.case, imaging, config.slices).volume
            labels, told = _labels(case, ct, network, config)
        except CaseError as error:
            refused.append(Refusal.of(error, "study_segment"))
            continue
        write_volume(out / CASE_LABELS.format(case=case.case), labels)
        rows.append({"case": case.case, **told})
        if len(shown) < SHOWN:
            shown.append((case.case, ct, labels, told))
    virtual = config.folder is None
    if shown:
        _draw(out / QC, shown, virtual)
    names = sorted({name for row in rows for name in row} - {"case"})
    means = {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
    write_json(
        out / SEGMENTATION,
        {
            "masks": config.masks,
            "trained_on": [case.case for case in annotated] if network else [],
            "cases": rows,
            "means": means,
            "refused": [f"{r.case}: {r.code} {r.hint}" for r in refused],
        },
    )
    return Outcome(Metrics(values=means, artefacts=(QC, SEGMENTATION) if shown else ()))


def _trained(
    job: Job,
    out: Path,
    folder: Path,
    annotated: list[CtCase],
    config: CtBmdConfig,
    imaging: ImagingConfig,
) -> Network:
    if len(annotated) < 2:
        raise UsageError("fewer than two cases have an annotation to train the segmentation with")

    def read(case: CtCase) -> Annotated:
        ct = read_any_ct(case.ct, case.case, imaging, config.slices).volume
        assert case.annotation is not None
        labels = read_foreign(case.annotation, "label", case.case)
        return Annotated(case.case, ct, labels_on(labels, ct, case.case))

    state = job.state(file_hash([folder / CT_CASES]))
    device = pick_device(config.segmentation.device)
    net, _ = train_vertebra((read(case) for case in annotated), config.segmentation, device, state)
    mark_ended(state)
    network = config.segmentation.network.model_dump(mode="json")
    save_weights(out / WEIGHTS, net, {"network": network})
    return net


def _labels(
    case: CtCase, ct: Volume, network: Network | None, config: CtBmdConfig
) -> tuple[Volume, dict[str, float]]:
    """The labels, and what is known of their quality."""
    if network is None:
        assert case.annotation is not None
        return labels_on(read_foreign(case.annotation, "label", case.case), ct, case.case), {}
    device = pick_device(config.segmentation.device)
    found = segment_vertebra(network, ct, case.case, config.segmentation, device)
    labels = found.classes
    told = {"variance_body": mean_variance(found.variance.array, labels.array == BODY)}
    if case.truth is not None:
        truth = labels_on(read_foreign(case.truth, "label", case.case), ct, case.case).array
        told["dice_body"] = dice_of(labels.array == BODY, truth == BODY)
        told["dice_posterior"] = dice_of(labels.array == POSTERIOR, truth == POSTERIOR)
    return labels, told


def _draw(
    path: Path, shown: list[tuple[str, Volume, Volume, dict[str, float]]], virtual: bool
) -> None:
    rows = []
    for _, ct, labels, told in shown:
        middle = len(ct.array) // 2
        _, y, x = bounding_slices(labels.array > 0, MARGIN)
        hu = np.clip(ct.array[middle, y, x], -200, 600)
        shape = labels.array[middle, y, x]
        text = f"Dice {told['dice_body']:.2f}" if "dice_body" in told else ""
        rows.append(
            [
                Panel("radiograph", hu),
                Panel("radiograph", hu, text, outline=shape == BODY),
                Panel("radiograph", hu, outline=shape > 0),
            ]
        )
    titles = ("CT", "vertebral body", "entire vertebra")
    draw_sheet(path, titles, rows, [case for case, *_ in shown], virtual)


if __name__ == "__main__":
    run_job("study_segment", ct_bmd_segment)
