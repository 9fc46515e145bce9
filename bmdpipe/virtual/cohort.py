"""The tables of a virtual cohort, which follow from its config without simulating anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import ANNOTATION, CT_SERIES, RADIOGRAPH_DICOM
from bmdpipe.virtual.demographics import draw_person

CT_PHANTOM = "B-MAS200"
Row = dict[str, Any]


def subject_name(config: VirtualConfig, number: int) -> str:
    return f"{config.prefix}{number:03d}"


def subject_number(config: VirtualConfig, subject: str) -> int:
    """Raises ValueError if the name is not one of this cohort's."""
    digits = subject.removeprefix(config.prefix)
    if not digits.isdigit() or subject != subject_name(config, int(digits)):
        raise ValueError(f"{subject!r} is no subject of the virtual cohort {config.prefix!r}")
    return int(digits)


def cohort_tables(
    config: VirtualConfig, folder: Callable[[str], str]
) -> tuple[list[Row], list[Row]]:
    """Rows of the subjects' and the radiographs' table; `folder` gives a subject's simulate folder.

    The DXA value is None: it lies in the subject's folder once simulated. `ct_labels` is None for
    subjects that no expert has annotated.
    """
    names = [subject_name(config, n + 1) for n in range(config.n_subjects)]
    subjects = [subject_row(config, name, folder) for name in names]
    radiographs = [row for name in names for row in radiograph_rows(config, name, folder)]
    return subjects, radiographs


def subject_row(config: VirtualConfig, subject: str, folder: Callable[[str], str]) -> Row:
    """The row of one subject."""
    number = subject_number(config, subject)
    person = draw_person(config.demographics, config.seed, number)
    base = folder(subject)
    annotated = number <= config.n_annotated
    return {
        "subject": subject,
        "sex": person.sex,
        "age_years": person.age_years,
        "bmi": person.bmi,
        "side": person.side,
        "ct": f"{base}/{CT_SERIES}",
        "ct_phantom": CT_PHANTOM,
        "ct_labels": f"{base}/{ANNOTATION}" if annotated else None,
        "dxa_abmd_g_cm2": None,
        "dxa_device": config.dxa.device,
    }


def radiograph_rows(config: VirtualConfig, subject: str, folder: Callable[[str], str]) -> list[Row]:
    """The rows of one subject's radiographs, one per positioning."""
    return [
        {
            "subject": subject,
            "radiograph": positioning,
            "positioning": positioning,
            "path": f"{folder(subject)}/{RADIOGRAPH_DICOM.format(radiograph=positioning)}",
        }
        for positioning in config.positionings
    ]
