"""Numbers that are no Hounsfield units are refused."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from .ct_case import code_of
from .series import body_hu, write_series


def _break(keyword: str, value: object) -> object:
    def change(k: int, data: pydicom.FileDataset) -> None:
        if k != 3:
            return
        if value is None:
            delattr(data, keyword)
        else:
            data[keyword] = pydicom.DataElement(
                data[keyword].tag, "DS", value, validation_mode=0, already_converted=True
            )

    return change


@pytest.mark.parametrize("value", [None, "-1000"])
def test_no_rescale_or_two_intercepts(tmp_path: Path, value: str | None) -> None:
    folder = write_series(tmp_path, change=_break("RescaleIntercept", value))  # type: ignore[arg-type]
    assert code_of(folder).code == "E_HU_SCALE"


@pytest.mark.parametrize("raw", [b"NaN  ", b"inf  ", b"-1e,3"])
def test_an_intercept_that_is_no_number(tmp_path: Path, raw: bytes) -> None:
    folder = write_series(tmp_path)
    path = sorted(folder.iterdir())[3]
    content = path.read_bytes()
    assert content.count(b"-1024 ") == 1
    path.write_bytes(content.replace(b"-1024 ", raw.ljust(6)))
    assert code_of(folder).code == "E_HU_SCALE"


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -1024), (1, -2048), (0.5, -1024)])
def test_a_wrong_scale_is_seen_by_the_peaks(tmp_path: Path, slope: float, intercept: int) -> None:
    def scale(_: int, data: pydicom.FileDataset) -> None:
        data.RescaleSlope, data.RescaleIntercept = slope, intercept

    assert code_of(write_series(tmp_path, change=scale)).code == "E_HU_SCALE"


def test_a_wrong_sign_is_seen_by_the_peaks(tmp_path: Path) -> None:
    """Signed HU without an offset whose header says unsigned."""

    def unsigned(k: int, data: pydicom.FileDataset) -> None:
        data.PixelData = body_hu()[k].tobytes()
        data.PixelRepresentation, data.RescaleIntercept = 0, 0

    assert code_of(write_series(tmp_path, change=unsigned)).code == "E_HU_SCALE"
