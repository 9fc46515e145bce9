"""Radiographs, each with one fault, by row of the table of bad inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.bad_input.nesting import nested
from tests.imaging.series import dx_file, hip_like, reload

Make = Callable[[Path], Path]


def shot(pixels: np.ndarray | None = None, **elements: Any) -> Make:
    stored = hip_like() if pixels is None else pixels
    return lambda folder: dx_file(folder / "a.dcm", stored, **elements)


def content(change: Callable[[bytes], bytes]) -> Make:
    def make(folder: Path) -> Path:
        path = shot()(folder)
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def packed(syntax: str, keep: int | None = None) -> Make:
    def make(folder: Path) -> Path:
        path = shot()(folder)
        data = reload(path)
        data.compress(syntax)
        data.save_as(path)
        path.write_bytes(path.read_bytes()[:keep])
        return path

    return make


def picture(name: str) -> Make:
    def make(folder: Path) -> Path:
        Picture.fromarray((hip_like() / 16).astype(np.uint8)).save(folder / name)
        return folder / name

    return make


def bordered() -> np.ndarray:
    pixels = hip_like()
    pixels[:6] = 4095
    return pixels


def inverse_table() -> dict[str, Any]:
    return {"PresentationLUTShape": "INVERSE"}


def windowed() -> dict[str, Any]:
    return {"WindowCenter": 1000, "WindowWidth": 500}


HALF = {"ImagerPixelSpacing": None}
RADIOGRAPH_FAULTS: list[tuple[int, str, Make, str]] = [
    (1, "empty file", content(lambda _: b""), "E_NOT_DICOM"),
    (1, "HTML named .dcm", content(lambda _: b"<html>"), "E_NOT_DICOM"),
    (2, "cut in the header", content(lambda raw: raw[:500]), "E_TRUNCATED"),
    (2, "cut in the pixels", content(lambda raw: raw[:-9]), "E_TRUNCATED"),
    (2, "cut in packed pixels", packed(JPEG2000Lossless, -200), "E_TRUNCATED"),
    (3, "a row too many", shot(Rows=57), "E_PIXEL_LENGTH"),
    (4, "500 megapixels", shot(Rows=25000, Columns=20000), "E_TOO_LARGE"),
    (18, "MONOCHROME1", shot(PhotometricInterpretation="MONOCHROME1"), ""),
    (18, "inverse presentation", shot(**inverse_table()), ""),
    (18, "window", shot(**windowed()), ""),
    (18, "PNG without a spacing", picture("a.png"), "E_NO_SPACING"),
    (18, "JPEG without a spacing", picture("a.jpg"), "E_NO_SPACING"),
    (19, "no spacing", shot(**HALF), "E_NO_SPACING"),
    (19, "spacing of 1 x 1", shot(**HALF, PixelSpacing=[1, 1]), "E_NO_SPACING"),
    (19, "pixel spacing alone", shot(**HALF, PixelSpacing=[0.4, 0.4]), "W_NO_GEOMETRY"),
    (19, "both, different", shot(PixelSpacing=[0.4, 0.4]), "W_SPACING_AT_DETECTOR"),
    (19, "oblong pixels", shot(ImagerPixelSpacing=[0.5, 0.45]), ""),
    (20, "no distance", shot(DistanceSourceToDetector=None), "W_SDD_ASSUMED"),
    (20, "distance 0", shot(DistanceSourceToDetector=0), "W_SDD_ASSUMED"),
    (21, "collimation border", shot(bordered()), "W_BORDER"),
    (21, "rotated by 90 degrees", shot(PatientOrientation=["F", "R"]), "E_ORIENTATION"),
    (21, "rotated by 180 degrees", shot(PatientOrientation=["R", "H"]), "E_ORIENTATION"),
    (22, "laterality against the table", shot(ImageLaterality="L"), "E_SIDE_CONFLICT"),
    (22, "PA view", shot(ViewPosition="PA"), "E_SIDE_CONFLICT"),
    (23, "wide", shot(hip_like(80, 50)), "W_ASPECT"),
    (23, "extremely wide", shot(hip_like(150, 40)), "E_ASPECT"),
    (24, "lateral", shot(ViewPosition="LL"), "E_NOT_HIP_AP"),
    (24, "frog-leg", shot(ViewPosition="FROG"), "E_NOT_HIP_AP"),
    (24, "knee", shot(BodyPartExamined="KNEE"), "E_NOT_HIP_AP"),
    (24, "chest", shot(BodyPartExamined="CHEST"), "E_NOT_HIP_AP"),
    (25, "JPEG-LS", packed(JPEGLSLossless), ""),
    (25, "JPEG 2000", packed(JPEG2000Lossless), ""),
    (25, "RLE", packed(RLELossless), ""),
    (25, "lossy", shot(LossyImageCompression="01"), "W_LOSSY"),
    (27, "sequences 20 deep", content(lambda raw: nested(raw, 20)), ""),
    (27, "sequences 5,000 deep", content(lambda raw: nested(raw, 5000)), "E_LIMIT"),
    (33, "no file", lambda folder: folder / "none.dcm", "E_MISSING_FILE"),
]
"""Row, name, how it is made, and the code that it must get; none where it must be read."""
