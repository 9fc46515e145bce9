"""Import one subject: CT and radiographs in canonical form, without the patient's identity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import write_json
from bmdpipe.core.cage import caged
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.dxa import dxa_of
from bmdpipe.core.files import BONE_LABELS, CT, EXPERT_LABELS, RADIOGRAPH, SUBJECT
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import Refusal
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.ct import CtScan
from bmdpipe.imaging.intake import take_in
from bmdpipe.imaging.nifti import write_image, write_volume
from bmdpipe.imaging.radiograph import Radiograph
from workflow_scripts.job import Job, Outcome, run_case

STAGE = "import"


def import_subject(job: Job, out: Path) -> Outcome:
    config = job.section("imaging", ImagingConfig)
    case = job.keys["subject"]
    return caged(lambda: _import(job, out, config), case, config.max_memory_gib, config.max_minutes)


def _import(job: Job, out: Path, config: ImagingConfig) -> Outcome:
    described = _subject(job.row["subject"])
    taken = take_in(job.row, config, job.threads)
    for labels, name in ((taken.labels, EXPERT_LABELS), (taken.masks, BONE_LABELS)):
        if labels is not None:
            write_volume(out / name, labels)
    write_volume(out / CT, taken.scan.volume, {"digest": taken.scan.digest})
    write_json(out / SUBJECT, {**described, "metal_sides": list(taken.implants)})
    positionings = {row["radiograph"]: row["positioning"] for row in job.row["radiographs"]}
    for name, radiograph in taken.radiographs.items():
        target = out / RADIOGRAPH.format(radiograph=name)
        write_image(target, radiograph.image, _sidecar(radiograph, positionings[name]))
    parts = tuple(Refusal.of(error, STAGE) for error in taken.refused)
    measured = _measured(taken.scan, len(taken.radiographs), len(parts))
    return Outcome(Metrics(values=measured), taken.warnings, parts)


def _subject(row: dict[str, Any]) -> dict[str, Any]:
    abmd, device = dxa_of(row)
    known = {k: row.get(k) for k in ("subject", "sex", "age_years", "bmi", "side", "dataset")}
    return {**known, "dxa_abmd_g_cm2": abmd, "dxa_device": device}


def _sidecar(radiograph: Radiograph, positioning: str) -> dict[str, Any]:
    image = radiograph.image
    camera = Camera.centred(radiograph.sdd_mm, image.spacing_mm, image.size_px)
    return {
        "sdd_mm": radiograph.sdd_mm if radiograph.sdd_source == "header" else None,
        "sdd_source": radiograph.sdd_source,
        "spacing_source": radiograph.spacing_source,
        "positioning": positioning,
        "photometric": radiograph.photometric,
        "inverted": radiograph.inverted,
        "scale": list(radiograph.scale),
        "camera": camera.to_json(),
        "digest": radiograph.digest,
        "field_px": list(radiograph.field_px) if radiograph.field_px else None,
        "warnings": [{"code": w.code, "text": w.text} for w in radiograph.warnings],
    }


def _measured(scan: CtScan, used: int, left_out: int) -> dict[str, float]:
    x, y, z = scan.volume.spacing_mm
    peaks = {"air": scan.peaks.air, "fat": scan.peaks.fat, "muscle": scan.peaks.muscle}
    return {
        "n_slices": scan.n_slices,
        "voxel_x_mm": x,
        "voxel_y_mm": y,
        "voxel_z_mm": z,
        "soft_tissue_share": scan.peaks.soft_share,
        **{f"{name}_peak_hu": hu for name, hu in peaks.items() if hu is not None},
        "radiographs_used": used,
        "radiographs_left_out": left_out,
    }


if __name__ == "__main__":
    run_case(STAGE, import_subject)
