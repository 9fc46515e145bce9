"""Import one subject: CT and radiographs in canonical form, without the patient's identity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.files import BONE_LABELS, CT, EXPERT_LABELS, RADIOGRAPH, SUBJECT
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import Refusal
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.ct import CtScan, ct_from_volume, read_ct
from bmdpipe.imaging.metal import metal_sides
from bmdpipe.imaging.nifti import read_foreign, write_image, write_volume
from bmdpipe.imaging.orientation import labels_on
from bmdpipe.imaging.radiograph import Radiograph, read_radiograph
from workflow_scripts.job import Job, Outcome, run_case

STAGE = "import"


def import_subject(job: Job, out: Path) -> Outcome:
    config = job.section("imaging", ImagingConfig)
    subject = job.row["subject"]
    case = subject["subject"]
    scan = _ct(Path(subject["ct"]), case, config, job.threads)
    described = _subject(subject, case)
    implants = metal_sides(scan.volume)
    if described["side"] in implants:
        raise CaseError("E_METAL", case, f"an implant on side {described['side']}")
    described["metal_sides"] = list(implants)
    for column, name in (("ct_labels", EXPERT_LABELS), ("bone_labels", BONE_LABELS)):
        if subject.get(column):
            labels = read_foreign(Path(subject[column]), "label", case)
            write_volume(out / name, labels_on(labels, scan.volume, case))
    write_volume(out / CT, scan.volume, {"digest": scan.digest})
    write_json(out / SUBJECT, described)
    parts, warnings = [], list(scan.warnings)
    if implants:
        warnings.append(CaseWarning("W_METAL", f"an implant on side {', '.join(implants)}"))
    for row in job.row["radiographs"]:
        part = f"{case}/{row['radiograph']}"
        try:
            radiograph = read_radiograph(Path(row["path"]), part, config, subject["side"])
        except CaseError as error:
            parts.append(Refusal.of(error, STAGE))
            continue
        target = out / RADIOGRAPH.format(radiograph=row["radiograph"])
        write_image(target, radiograph.image, _sidecar(radiograph, row["positioning"]))
        warnings += [CaseWarning(w.code, f"{part}: {w.text}") for w in radiograph.warnings]
    used = len(job.row["radiographs"]) - len(parts)
    return Outcome(Metrics(values=_measured(scan, used, len(parts))), tuple(warnings), tuple(parts))


def _ct(path: Path, case: str, config: ImagingConfig, processes: int) -> CtScan:
    if path.name.endswith((".nii", ".nii.gz")):
        return ct_from_volume(read_foreign(path, "HU", case), case, config)
    return read_ct(path, case, config, processes)


def _subject(row: dict[str, Any], case: str) -> dict[str, Any]:
    abmd, device = row.get("dxa_abmd_g_cm2"), row.get("dxa_device")
    if abmd is None and row.get("dxa_file"):
        path = Path(row["dxa_file"])
        if not path.is_file():
            raise CaseError("E_MISSING_FILE", case, "the DXA file does not exist")
        dxa = read_json(path)
        abmd, device = float(dxa["abmd_g_cm2"]), str(dxa["device"])
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
