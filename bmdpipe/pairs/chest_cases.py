"""Chest radiographs for suppression, pretraining and classification: from the virtual cohort's
table, or from public sets as they are unpacked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import CHEST_CASES
from bmdpipe.pairs.pictures import SUFFIXES, find_pictures

PAIRS, PRETRAINING, TUBERCULOSIS = "pairs", "pretraining", "tuberculosis"
JSRT, JSRT_SUPPRESSED = "JSRT", "BSE_JSRT"
JSRT_NAME = re.compile(r"^JPC(LN|NN)\d{3}$", re.IGNORECASE)
TB_FOLDER = "CXR_png"
TB_NAME = re.compile(r"^(CHNCXR|MCUCXR)_\d{4}_([01])$")


@dataclass(frozen=True)
class ChestCase:
    """One radiograph. `suppressed` is the same without bones, in the same grey values if
    `same_scale`; `finding` marks what is known to be diseased; `label` is 1 where something is."""

    case: str
    subject: str
    radiograph: Path
    label: int | None
    suppressed: Path | None = None
    finding: Path | None = None
    same_scale: bool = True


def virtual_cases(folder: Path, purpose: str) -> list[ChestCase]:
    """The rows of the virtual cohort's table that serve a purpose."""
    path = Path(folder) / CHEST_CASES
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return [
        ChestCase(
            str(row["case"]),
            str(row["subject"]),
            Path(folder) / str(row["radiograph"]),
            int(row["label"]),
            Path(folder) / str(row["suppressed"]),
            Path(folder) / str(row["finding"]),
        )
        for row in table.to_dict("records")
        if row["purpose"] == purpose
    ]


def jsrt_pairs(folder: Path) -> list[ChestCase]:
    """JSRT images with their bone-suppressed twins of the same name (Juhász 2010), whose grey
    values are another processing's. LN are those with a nodule.

    Raises UsageError if a folder is missing or no image has a twin.
    """
    images = _by_stem(Path(folder) / JSRT)
    twins = _by_stem(Path(folder) / JSRT_SUPPRESSED)
    names = sorted(name for name in images if JSRT_NAME.match(name) and name in twins)
    if not names:
        raise UsageError(f"no image in {folder}/{JSRT} has a twin in {folder}/{JSRT_SUPPRESSED}")
    return [
        ChestCase(name, name, images[name], int("LN" in name), twins[name], None, same_scale=False)
        for name in names
    ]


def tuberculosis_cases(folder: Path) -> list[ChestCase]:
    """The Shenzhen or the Montgomery set (Jaeger 2014): one image per patient, whose name ends in 1
    where tuberculosis was found. Raises UsageError if there is none."""
    root = Path(folder) / TB_FOLDER
    files = _by_stem(root)
    found = [(name, match) for name in sorted(files) if (match := TB_NAME.match(name))]
    if not found:
        raise UsageError(f"{root} holds no image named as CHNCXR_0001_0.png or MCUCXR_0001_0.png")
    return [
        ChestCase(name, name.rsplit("_", 1)[0], files[name], int(match[2])) for name, match in found
    ]


def pretraining_cases(folder: Path) -> list[ChestCase]:
    """A folder of pictures per class, the class of normal ones first: normal*, or the first name.
    Raises UsageError as `find_pictures` does, and if there are not two classes."""
    classes, pictures = find_pictures(folder)
    if len(classes) != 2:
        raise UsageError(f"{folder} holds {len(classes)} class folders, two are needed")
    normal = next((k for k, name in enumerate(classes) if name.lower().startswith("normal")), 0)
    return [
        ChestCase(each.name, each.name, each.path, int(each.label != normal)) for each in pictures
    ]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} does not exist")
    kinds = {*SUFFIXES, ".img", ".dcm"}
    return {path.stem: path for path in folder.iterdir() if path.suffix.lower() in kinds}
