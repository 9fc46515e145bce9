"""Cut every subject's radiographs and projections into hip images of one size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import (
    AUGMENTATION_SHEET,
    BONES,
    BONES_CT,
    POSES,
    PROXIMAL_FEMUR,
    PROXIMAL_FEMUR_CT,
    RADIOGRAPH,
    SUBJECT,
)
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import read_record
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import read_image, read_meta
from bmdpipe.pairs.build import RegisteredRadiograph, build_subject, trusted_sides
from bmdpipe.pairs.folds import STAGE_ONE_ONLY
from bmdpipe.pairs.store import CT_KINDS, KINDS, Case, Pairs, write_index, write_subject
from workflow_scripts.job import Job, Outcome, run_job

FILES = {
    "bones": BONES,
    "pf": PROXIMAL_FEMUR,
    "bones_ct": BONES_CT,
    "pf_ct": PROXIMAL_FEMUR_CT,
}


def pairs(job: Job, out: Path) -> Outcome:
    config = job.section("pairs", PairsConfig)
    kinds = (*KINDS[1:], *(CT_KINDS if job.config["uncalibrated"] else ()))
    everything: list[Case] = []
    shown: Pairs | None = None
    for subject in job.row["subjects"]:
        if not read_record(job.at("project", subject=subject)).ok:
            continue
        described = read_json(job.at("import", subject=subject) / SUBJECT)
        side = described["side"]
        target = None if described["dataset"] == STAGE_ONE_ONLY else side
        cases, images = build_subject(
            subject, target, _radiographs(job, subject, kinds), config, kinds
        )
        if cases:
            write_subject(out, subject, images)
            everything += cases
            shown = shown or Pairs(tuple(cases), images)
    if shown is None:
        raise UsageError("no subject reached the hip images: see the records of the stages before")
    write_index(out, everything)

    from bmdpipe.pairs.sheet import write_augmentation_sheet

    write_augmentation_sheet(out / AUGMENTATION_SHEET, shown, config.augmentation)
    return Outcome(
        Metrics(
            values={
                "subjects": len({case.subject for case in everything}),
                "hip_images": len(everything),
                "target_hip_images": sum(case.target for case in everything),
            },
            artefacts=(AUGMENTATION_SHEET,),
        )
    )


def _radiographs(job: Job, subject: str, kinds: tuple[str, ...]) -> Iterator[RegisteredRadiograph]:
    """The subject's radiographs that were projected, each with the hips that can be trusted."""
    projected = job.at("project", subject=subject)
    imported = job.at("import", subject=subject)
    for name, found in sorted(read_json(job.at("register", subject=subject) / POSES).items()):
        files = {kind: projected / FILES[kind].format(radiograph=name) for kind in kinds}
        if not all(path.is_file() for path in files.values()):
            continue
        picture = read_image(imported / RADIOGRAPH.format(radiograph=name))
        yield RegisteredRadiograph(
            name=name,
            positioning=read_meta(imported / RADIOGRAPH.format(radiograph=name))["positioning"],
            camera=Camera.from_json(found["camera"]),
            radiograph=picture,
            projections={kind: read_image(path) for kind, path in files.items()},
            sides=trusted_sides(found["bodies"]),
        )


if __name__ == "__main__":
    run_job("pairs", pairs)
