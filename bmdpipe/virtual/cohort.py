"""The tables of a virtual cohort, which follow from its config without simulating anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import ANNOTATION, CT_SERIES, RADIOGRAPH_DICOM
from bmdpipe.core.names import Positioning
from bmdpipe.virtual.demographics import DATASET_A_FROM, person_of, stream

CT_PHANTOM = "B-MAS200"
Row = dict[str, Any]


def subject_name(config: VirtualConfig, number: int) -> str:
    """`V001` for the first subject of dataset B, `VA001` for that of dataset A."""
    if number > DATASET_A_FROM:
        return f"{config.prefix}A{number - DATASET_A_FROM:03d}"
    return f"{config.prefix}{number:03d}"


def subject_number(config: VirtualConfig, subject: str) -> int:
    """Raises ValueError if the name is not one of this cohort's."""
    rest = subject.removeprefix(config.prefix)
    digits = rest.removeprefix("A")
    number = int(digits) if digits.isdigit() else 0
    if rest != digits:
        number += DATASET_A_FROM
    if subject != subject_name(config, number):
        raise ValueError(f"{subject!r} is no subject of the virtual cohort {config.prefix!r}")
    return number


def cohort_tables(
    config: VirtualConfig, folder: Callable[[str], str]
) -> tuple[list[Row], list[Row]]:
    """Rows of the subjects' and the radiographs' table; `folder` gives a subject's simulate folder.

    The DXA value is None: it lies in the subject's folder once simulated. `ct_labels` is None for
    subjects that no expert has annotated.
    """
    numbers = [n + 1 for n in range(config.n_subjects)]
    numbers += [DATASET_A_FROM + n + 1 for n in range(config.n_dataset_a)]
    names = [subject_name(config, number) for number in numbers]
    subjects = [subject_row(config, name, folder) for name in names]
    radiographs = [row for name in names for row in radiograph_rows(config, name, folder)]
    return subjects, radiographs


def subject_row(config: VirtualConfig, subject: str, folder: Callable[[str], str]) -> Row:
    """The row of one subject."""
    number = subject_number(config, subject)
    person = person_of(config, number)
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
        "dxa_device": config.dxa.device if number <= DATASET_A_FROM else None,
        "dataset": "A" if number > DATASET_A_FROM else "B",
    }


def radiograph_rows(config: VirtualConfig, subject: str, folder: Callable[[str], str]) -> list[Row]:
    """The rows of one subject's radiographs, one per positioning that was taken."""
    return [
        {
            "subject": subject,
            "radiograph": positioning,
            "positioning": positioning,
            "path": f"{folder(subject)}/{RADIOGRAPH_DICOM.format(radiograph=positioning)}",
        }
        for positioning in _positionings(config, subject_number(config, subject))
    ]


def _positionings(config: VirtualConfig, number: int) -> list[Positioning]:
    """All, or all but one, of the config's; one for a subject of dataset A."""
    rng = stream(config.seed, number, "positionings")
    lacks_one, which = rng.random(), int(rng.integers(len(config.positionings)))
    if number > DATASET_A_FROM:
        return [config.positionings[which]]
    if lacks_one >= config.missing_radiograph_fraction or len(config.positionings) == 1:
        return [*config.positionings]
    return [p for k, p in enumerate(config.positionings) if k != which]
