"""Read a folder of pictures per class and deal them to folds that keep near duplicates together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.companions import TumourConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import Refusal
from bmdpipe.pairs.examples import Examples, write_examples
from bmdpipe.pairs.folds import deal_folds
from bmdpipe.pairs.pictures import find_pictures, fitted, near_duplicates, read_picture
from workflow_scripts.job import Job, Outcome, run_job


def tumour_data(job: Job, out: Path) -> Outcome:
    config = job.section("study", TumourConfig)
    classes, found = find_pictures(Path(config.folder))
    pictures, images, refused = [], [], []
    for picture in found:
        try:
            images.append(read_picture(picture))
            pictures.append(picture)
        except CaseError as error:
            refused.append(Refusal.of(error, "study_data"))
    groups = [f"G{number:04d}" for number in near_duplicates(images, config.duplicate_bits)]
    labels = np.array([picture.label for picture in pictures], dtype=float)
    mean_label = {g: float(labels[[h == g for h in groups]].mean()) for g in set(groups)}
    folds = deal_folds(mean_label, config.n_folds, config.fold_seed)
    write_examples(
        out,
        Examples(
            tuple(picture.name for picture in pictures),
            tuple(groups),
            np.stack([fitted(image, config.size_px) for image in images])[:, None],
            labels,
            np.array([folds[group] for group in groups]),
        ),
    )
    described = {
        "classes": list(classes),
        "virtual": False,
        "cases": len(pictures),
        "groups": len(set(groups)),
        "refused": [f"{r.case}: {r.code} {r.hint}" for r in refused],
    }
    write_json(out / STUDY_DATA, described)
    values = {"cases": len(pictures), "groups": len(set(groups)), "refused": len(refused)}
    return Outcome(Metrics(params=values))


if __name__ == "__main__":
    run_job("study_data", tumour_data)
