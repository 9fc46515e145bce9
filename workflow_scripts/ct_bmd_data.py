"""Cut the three views of every labelled vertebra and deal the subjects to splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.ct_bmd import CtBmdConfig
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import CASE_LABELS, QC, SEGMENTATION, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import Refusal
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.imaging.ct_any import read_any_ct
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.pairs.ct_cases import read_ct_cases
from bmdpipe.pairs.ct_slices import views
from bmdpipe.pairs.ct_store import write_ct_views
from bmdpipe.pairs.splits import deal_splits
from workflow_scripts.job import Job, Outcome, run_job

SHOWN = 4
TITLES = {"cropped": "cropped", "vertebra": "entire vertebra", "body": "vertebral body"}


def ct_bmd_data(job: Job, out: Path) -> Outcome:
    config = job.section("study", CtBmdConfig)
    imaging = job.section("imaging", ImagingConfig)
    folder = Path(config.folder) if config.folder else job.at("study_cohort")
    segmented = read_json(job.at("study_segment") / SEGMENTATION)
    labelled = {row["case"] for row in segmented["cases"]}
    kept, images, refused = [], [], list(segmented["refused"])
    for case in read_ct_cases(folder):
        if case.case not in labelled:
            continue
        try:
            labels = read_volume(job.at("study_segment") / CASE_LABELS.format(case=case.case))
            ct = read_any_ct(case.ct, case.case, imaging, config.slices).volume
            images.append(views(ct, labels, case.case, config))
            kept.append(case)
        except CaseError as error:
            refusal = Refusal.of(error, "study_data")
            refused.append(f"{refusal.case}: {refusal.code} {refusal.hint}")
    first = config.targets[0]
    by_subject: dict[str, list[float]] = {case.subject: [] for case in kept}
    for case in kept:
        value = case.values[first]
        if value is not None:
            by_subject[case.subject].append(value)
    bmd_of = {name: float(np.mean(v)) if v else None for name, v in by_subject.items()}
    splits = deal_splits(bmd_of, config.splits)
    stacks = {region: [each[region] for each in images] for region in config.regions}
    write_ct_views(out, kept, stacks, splits)
    virtual = config.folder is None
    middle = config.slices // 2
    rows = [
        [Panel("radiograph", each[region][middle]) for region in config.regions]
        for each in images[:SHOWN]
    ]
    names = [case.case for case in kept[:SHOWN]]
    draw_sheet(out / QC, [TITLES[region] for region in config.regions], rows, names, virtual)
    described = {
        "virtual": virtual,
        "cases": len(kept),
        "groups": len(bmd_of),
        "annotated": len(segmented["trained_on"]),
        "masks": segmented["masks"],
        "segmentation": segmented["means"],
        "splits": config.splits.model_dump(mode="json"),
        "refused": refused,
    }
    write_json(out / STUDY_DATA, described)
    return Outcome(
        Metrics(params={"cases": len(kept), "refused": len(refused)}, artefacts=(QC, STUDY_DATA))
    )


if __name__ == "__main__":
    run_job("study_data", ct_bmd_data)
