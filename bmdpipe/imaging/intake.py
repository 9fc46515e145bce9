"""All that is read of one subject: CT, expert labels, radiographs; each judged on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.ct import CtScan, ct_from_volume, read_ct
from bmdpipe.imaging.metal import metal_sides
from bmdpipe.imaging.nifti import read_foreign
from bmdpipe.imaging.orientation import labels_on
from bmdpipe.imaging.radiograph import Radiograph, read_radiograph


@dataclass(frozen=True)
class Intake:
    """What was read. `labels` are an expert's, `masks` those that are taken for the segmentation;
    `radiographs` by name; `refused` are those that cannot be used."""

    scan: CtScan
    labels: Volume | None
    masks: Volume | None
    radiographs: Mapping[str, Radiograph]
    refused: tuple[CaseError, ...]
    implants: tuple[str, ...]
    warnings: tuple[CaseWarning, ...]


def take_in(row: Mapping[str, Any], config: ImagingConfig, processes: int = 1) -> Intake:
    """Read a subject by its row of the cohort tables (`Cohort.to_json`).

    A radiograph that cannot be used is put aside; raises CaseError, of `read_ct`, `read_foreign` or
    `labels_on` or E_METAL, where the subject cannot be used at all.
    """
    subject = row["subject"]
    case = subject["subject"]
    scan = _ct(Path(subject["ct"]), case, config, processes)
    implants = metal_sides(scan.volume)
    if subject["side"] in implants:
        raise CaseError("E_METAL", case, f"an implant on side {subject['side']}")
    warnings = list(scan.warnings)
    if implants:
        warnings.append(CaseWarning("W_METAL", f"an implant on side {', '.join(implants)}"))
    labels, masks = (
        labels_on(read_foreign(Path(subject[column]), "label", case), scan.volume, case)
        if subject.get(column)
        else None
        for column in ("ct_labels", "bone_labels")
    )
    radiographs: dict[str, Radiograph] = {}
    refused: list[CaseError] = []
    for picture in row["radiographs"]:
        part = f"{case}/{picture['radiograph']}"
        try:
            found = read_radiograph(Path(picture["path"]), part, config, subject["side"])
        except CaseError as error:
            refused.append(error)
            continue
        radiographs[picture["radiograph"]] = found
        warnings += [replace(w, text=f"{part}: {w.text}") for w in found.warnings]
    return Intake(scan, labels, masks, radiographs, tuple(refused), implants, tuple(warnings))


def _ct(path: Path, case: str, config: ImagingConfig, processes: int) -> CtScan:
    if path.name.endswith((".nii", ".nii.gz")):
        return ct_from_volume(read_foreign(path, "HU", case), case, config)
    return read_ct(path, case, config, processes)
