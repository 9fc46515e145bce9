"""A small cohort of tables on disk, every file of which names its patient in many places."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import FileDataset

from bmdpipe.core.cohort import cohort_from_rows, write_tables
from tests.imaging.series import body_hu, dx_file, hip_like, reload, write_series

CANARY = "CANARY7f3a"
NAMED = {
    "PatientName": f"{CANARY}^NAME",
    "PatientID": f"{CANARY}ID",
    "OtherPatientIDs": f"{CANARY}OTHER",
    "PatientAddress": f"{CANARY} street 1",
    "InstitutionName": f"{CANARY} hospital",
    "ReferringPhysicianName": f"{CANARY}^DOCTOR",
    "AccessionNumber": f"{CANARY}A",
    "StudyDescription": f"{CANARY} study",
    "SeriesDescription": f"{CANARY} series",
    "ProtocolName": f"{CANARY} protocol",
    "StationName": CANARY,
    "ImageComments": f"{CANARY} comment",
    "DeviceSerialNumber": CANARY,
    "BodyPartExamined": "HIP",
}


def name_patient(_: int, data: FileDataset) -> None:
    for keyword, text in NAMED.items():
        setattr(data, keyword, text)
    block = data.private_block(0x0019, f"{CANARY} maker", create=True)
    block.add_new(1, "LO", f"{CANARY} private")


def write_cohort(folder: Path, subjects: tuple[str, ...] = ("A1", "A2", "A3", "A4")) -> Path:
    """Series and radiographs with tables beside them; every subject's pixels are its own."""
    rows, pictures = [], []
    for number, subject in enumerate(subjects):
        hu = body_hu()
        hu[0, 0, 0] = -990 - number
        write_series(folder / subject / "ct", hu, change=name_patient)
        pixels = hip_like()
        pixels[0, 0] += number
        path = dx_file(folder / subject / "ap.dcm", pixels)
        data = reload(path)
        name_patient(0, data)
        data.save_as(path)
        rows.append(
            {
                "subject": subject,
                "sex": "F",
                "age_years": 60,
                "side": "R",
                "ct": str(folder / subject / "ct"),
                "ct_phantom": "B-MAS200",
                "dxa_abmd_g_cm2": 0.7,
                "dxa_device": "x",
            }
        )
        pictures.append(
            {
                "subject": subject,
                "radiograph": "ap",
                "positioning": "supine",
                "path": str(path),
            }
        )
    write_tables(folder, cohort_from_rows(rows, pictures))
    return folder
