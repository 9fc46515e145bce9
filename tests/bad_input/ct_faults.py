"""CT folders, each with one fault, by row of the table of bad inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import (
    EnhancedCTImageStorage,
    JPEG2000Lossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from tests.bad_input.nesting import nested
from tests.imaging.series import body_hu, reload, write_series

Make = Callable[[Path], Path]
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def sliced(change: Callable[[int, FileDataset], Any] | None = None, **kinds: Any) -> Make:
    """A series in which `change` alters every slice."""
    return lambda folder: write_series(folder, change=change, **kinds)


def with_elements(**elements: Any) -> Make:
    def change(_: int, data: FileDataset) -> None:
        for keyword, value in elements.items():
            setattr(data, keyword, value)

    return sliced(change)


def one_file(spoil: Callable[[Path], None]) -> Make:
    """A series of which one file is spoilt."""

    def make(folder: Path) -> Path:
        spoil(sorted(write_series(folder).iterdir())[3])
        return folder

    return make


def content(change: Callable[[bytes], bytes]) -> Make:
    return one_file(lambda path: path.write_bytes(change(path.read_bytes())))


def moved(place: Callable[[int], float]) -> Make:
    """Slices at other places along the body."""

    def change(k: int, data: FileDataset) -> None:
        x, y, _ = (float(p) for p in data.ImagePositionPatient)
        data.ImagePositionPatient = [x, y, place(k)]

    return sliced(change)


def tilted(degrees: float) -> Make:
    angle = np.radians(degrees)
    orientation = (1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(np.sin(angle)))
    return sliced(orientation=orientation, step=np.array([0, 0, 2.0]))


def double(folder: Path, differ: bool) -> Path:
    path = sorted(write_series(folder).iterdir())[4]
    data = reload(path)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    stored = data.pixel_array.copy()
    stored[3, 3] += differ
    data.PixelData = stored.tobytes()
    data.save_as(folder / "double.dcm")
    return folder


def bomb(path: Path) -> None:
    """A few hundred kilobytes that inflate to 600 MiB."""
    data = reload(path)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    data.PixelData = bytes(600 * 2**20)
    data.save_as(path)


def several(folder: Path, *extra: tuple[str, Any]) -> Path:
    """A series, and beside it others that a dictionary of elements describes."""
    write_series(folder)
    for name, elements in extra:
        write_series(folder / name, body_hu()[:18], name=name, **elements)
    return folder


def elements_of(**elements: Any) -> dict[str, Any]:
    def change(_: int, data: FileDataset) -> None:
        for keyword, value in elements.items():
            setattr(data, keyword, value)

    return {"change": change}


def unsigned(k: int, data: FileDataset) -> None:
    """Signed numbers without an offset under a header that says unsigned."""
    data.PixelData = body_hu()[k].tobytes()
    data.PixelRepresentation, data.RescaleIntercept = 0, 0


def padded(_: int, data: FileDataset) -> None:
    stored = data.pixel_array.astype(np.int16)
    stored[:3] = -2000
    data.PixelData, data.PixelRepresentation = stored.tobytes(), 1
    data.add_new("PixelPaddingValue", "SS", -2000)


def metal(side: slice) -> Make:
    hu = body_hu()
    hu[8:18, 14:20, side] = 3000
    return sliced(hu=hu)


def packed(syntax: str, **elements: Any) -> Make:
    def change(_: int, data: FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
        data.file_meta.TransferSyntaxUID = syntax
        for keyword, value in elements.items():
            setattr(data, keyword, value)

    return sliced(change)


def private(_: int, data: FileDataset) -> None:
    data.SpecificCharacterSet = "ISO_IR 166"
    data.private_block(0x0019, "x", create=True).add_new(1, "OB", bytes(2**20))


def left_handed(folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = folder / "ct.nii.gz"
    nibabel.Nifti1Image(body_hu().T, np.diag([-1.5, 1.25, 2.0, 1.0])).to_filename(path)
    return path


def intercept(text: bytes) -> Make:
    return content(lambda raw: raw.replace(b"-1024 ", text.ljust(6)))


CT_FAULTS: list[tuple[int, str, Make, str]] = [
    (1, "empty file", content(lambda _: b""), "E_NOT_DICOM"),
    (1, "random bytes", content(lambda _: np.random.default_rng(1).bytes(900)), "E_NOT_DICOM"),
    (1, "HTML named .dcm", content(lambda _: b"<html><body>login</body>"), "E_NOT_DICOM"),
    (2, "cut in the header", content(lambda raw: raw[:500]), "E_TRUNCATED"),
    (2, "cut in the pixels", content(lambda raw: raw[:-700]), "E_TRUNCATED"),
    (3, "rows too few", with_elements(Rows=35), "E_PIXEL_LENGTH"),
    (3, "bits too many", with_elements(BitsAllocated=32), "E_PIXEL_LENGTH"),
    (4, "decompression bomb", one_file(bomb), "E_TOO_LARGE"),
    (4, "huge matrix", with_elements(Rows=20000, Columns=25000), "E_TOO_LARGE"),
    (5, "two axial series", lambda f: several(f, ("b", {})), "E_AMBIGUOUS_SERIES"),
    (
        5,
        "localizer and dose sheet",
        lambda f: several(
            f,
            ("a", {"orientation": CORONAL, **elements_of(ImageType=["ORIGINAL", "", "LOCALIZER"])}),
            ("b", elements_of(SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")),
        ),
        "",
    ),
    (6, "missing slice", sliced(lambda k, _: k != 9), "E_MISSING_SLICE"),
    (6, "identical duplicate", lambda f: double(f, False), "W_DUPLICATE_SLICE"),
    (6, "differing duplicate", lambda f: double(f, True), "E_DUPLICATE_SLICE"),
    (6, "jitter of 3 %", moved(lambda k: -300 + 2.0 * k + 0.06 * (k == 7)), "E_IRREGULAR"),
    (7, "tilt of 12 degrees", tilted(12), "W_TILT"),
    (7, "tilt of 35 degrees", tilted(35), "E_TILT"),
    (8, "two spacings", moved(lambda k: -300 + 2.0 * k + 3.0 * max(k - 15, 0)), "E_IRREGULAR"),
    (9, "feet first", with_elements(PatientPosition="FFS"), ""),
    (9, "prone", with_elements(PatientPosition="HFP"), ""),
    (10, "negative determinant", left_handed, "E_HANDEDNESS"),
    (11, "no rescale", sliced(lambda _, d: delattr(d, "RescaleIntercept")), "E_HU_SCALE"),
    (11, "NaN", intercept(b"NaN"), "E_HU_SCALE"),
    (11, "infinite", intercept(b"inf"), "E_HU_SCALE"),
    (11, "comma", intercept(b"-1e,3"), "E_HU_SCALE"),
    (11, "two intercepts", intercept(b"-1000"), "E_HU_SCALE"),
    (11, "offset left out", with_elements(RescaleIntercept=0), "E_HU_SCALE"),
    (11, "wrong sign", sliced(unsigned), "E_HU_SCALE"),
    (12, "padding", sliced(padded), ""),
    (13, "sharp kernel", with_elements(ConvolutionKernel="B70f"), "W_PROTOCOL"),
    (13, "contrast medium", with_elements(ContrastBolusAgent="iodine"), "W_PROTOCOL"),
    (13, "100 kVp", with_elements(KVP=100), "W_PROTOCOL"),
    (14, "implant in the target hip", metal(slice(8, 14)), "E_METAL"),
    (14, "implant in the other hip", metal(slice(26, 32)), "W_METAL"),
    (25, "unknown compression", packed("1.2.840.10008.1.2.4.106"), "E_NO_DECODER"),
    (25, "lossy", packed(JPEG2000Lossless, LossyImageCompression="01"), "W_LOSSY"),
    (26, "multi-frame", with_elements(SOPClassUID=EnhancedCTImageStorage), "E_ENHANCED"),
    (27, "Thai and 1 MB of private data", sliced(private), ""),
    (27, "sequences 5,000 deep", content(lambda raw: nested(raw, 5000)), "E_LIMIT"),
    (29, "two patients in one series", sliced(lambda k, d: _name(k, d)), "E_MULTI_PATIENT"),
    (33, "no folder", lambda folder: folder / "none", "E_MISSING_FILE"),
]
"""Row, name, how it is made, and the code that it must get; none where it must be read."""


def _name(k: int, data: FileDataset) -> None:
    data.PatientID = f"4711{k % 2}"
