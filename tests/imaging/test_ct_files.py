"""Files that are no CT, broken, packed or too large."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.imaging.ct import read_ct

from .ct_case import CONFIG, code_of
from .series import reload, write_series


def test_files_that_are_no_dicom(tmp_path: Path) -> None:
    write_series(tmp_path)
    for content in (b"", b"<html>login</html>", np.random.default_rng(0).bytes(5000)):
        (tmp_path / "zz.dcm").write_bytes(content)
        error = code_of(tmp_path)
        assert error.code == "E_NOT_DICOM"
        assert "zz.dcm" in error.hint


def test_side_files_are_ignored(tmp_path: Path) -> None:
    write_series(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes(b"x")
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "readme.txt").write_text("x")
    assert read_ct(tmp_path, "S1", CONFIG).n_slices == 24


@pytest.mark.parametrize("keep", [200, 700, -700, -1])
def test_truncated_in_header_or_pixels(tmp_path: Path, keep: int) -> None:
    write_series(tmp_path)
    path = sorted(tmp_path.iterdir())[5]
    path.write_bytes(path.read_bytes()[:keep])
    assert code_of(tmp_path).code == "E_TRUNCATED"


def test_a_lying_size_is_found(tmp_path: Path) -> None:
    folder = write_series(tmp_path, change=lambda _, d: setattr(d, "Rows", 35))
    assert code_of(folder).code == "E_PIXEL_LENGTH"


def test_a_huge_volume_is_refused_by_its_header(tmp_path: Path) -> None:
    def huge(_: int, data: pydicom.FileDataset) -> None:
        data.Rows = data.Columns = 20000

    assert code_of(write_series(tmp_path, change=huge)).code == "E_TOO_LARGE"


def test_a_deflated_bomb_is_refused_before_it_inflates(tmp_path: Path) -> None:
    folder = write_series(tmp_path)
    path = sorted(folder.iterdir())[0]
    data = reload(path)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    data.PixelData = bytes(4_000_000)
    data.save_as(path)
    assert path.stat().st_size < 100_000
    error = code_of(folder, ImagingConfig(max_inflated_mib=1))
    assert error.code == "E_TOO_LARGE"
    assert "inflates" in error.hint


def test_a_missing_or_empty_folder(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none").code == "E_MISSING_FILE"
    assert code_of(tmp_path).code == "E_MISSING_FILE"


def test_jpeg_2000_gives_identical_pixels(tmp_path: Path) -> None:
    def compress(_: int, data: pydicom.FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)

    plain = read_ct(write_series(tmp_path / "a"), "S1", CONFIG)
    packed = read_ct(write_series(tmp_path / "b", change=compress), "S1", CONFIG)
    assert plain.digest == packed.digest


def test_an_unknown_compression_names_what_to_install(tmp_path: Path) -> None:
    def foreign(_: int, data: pydicom.FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.106"

    error = code_of(write_series(tmp_path, change=foreign))
    assert error.code == "E_NO_DECODER"
    assert "pylibjpeg" in error.hint


def test_broken_jpeg_2000_is_a_case_error(tmp_path: Path) -> None:
    def spoil(k: int, data: pydicom.FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
        if k == 2:
            data.PixelData = data.PixelData[:60] + bytes(len(data.PixelData) - 60)

    assert code_of(write_series(tmp_path, change=spoil)).code in ("E_TRUNCATED", "E_PIXEL_LENGTH")
