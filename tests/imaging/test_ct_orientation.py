"""However a CT was sliced and the patient lay, the volume is the same one of the patient's axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from bmdpipe.imaging.ct import read_ct
from bmdpipe.imaging.orientation import to_canonical

from .ct_case import CONFIG, code_of
from .series import AXIAL, ORIENTATIONS, ORIGIN, SPACING, body_hu, resliced, write_series


@pytest.mark.parametrize(("rows", "columns"), ORIENTATIONS)
def test_six_orientations_give_the_same_array(
    tmp_path: Path, rows: tuple[int, ...], columns: tuple[int, ...]
) -> None:
    """The same body sliced along other axes, written by the orientation vectors alone."""
    hu = body_hu()
    folder = resliced(tmp_path, hu, rows, columns)
    volume = read_ct(folder, "S1", CONFIG).volume
    np.testing.assert_array_equal(volume.array, hu)
    np.testing.assert_allclose(volume.origin_mm, ORIGIN, atol=1e-6)
    np.testing.assert_allclose(volume.spacing_mm, SPACING)


def test_header_position_ffs_is_not_believed(tmp_path: Path) -> None:
    folder = write_series(tmp_path, change=lambda _, d: setattr(d, "PatientPosition", "FFS"))
    np.testing.assert_array_equal(read_ct(folder, "S1", CONFIG).volume.array, body_hu())


def test_a_gantry_tilt_is_undone(tmp_path: Path) -> None:
    """A smooth field sampled on tilted planes comes back as the same field of the world."""
    angle = np.radians(15)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(angle), np.sin(angle))
    step = np.array([0, 0, 2.0])
    k, j, i = np.mgrid[:40, :30, :36].astype(float)
    world_y = 10 + j * 1.25 * np.cos(angle)
    world_z = -300 + k * 2 + j * 1.25 * np.sin(angle)
    hu = np.where((i > 4) & (i < 30) & (j > 3) & (j < 26), 40 + world_y + 0.1 * world_z, -1000)
    hu = np.rint(hu)
    folder = write_series(tmp_path, hu, orientation=orientation, step=step)
    scan = read_ct(folder, "S1", CONFIG)
    assert [w.code for w in scan.warnings] == ["W_TILT"]
    assert "15.0" in scan.warnings[0].text
    volume = scan.volume
    points = volume.world_at(np.array([[18, j, k] for j in (10, 14, 18) for k in (12, 20, 28)]))
    index = np.rint(volume.index_at(points)).astype(int)
    values = volume.array[index[:, 2], index[:, 1], index[:, 0]]
    np.testing.assert_allclose(values, 40 + points[:, 1] + 0.1 * points[:, 2], atol=1.0)


def test_a_tilt_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    angle = np.radians(35)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(angle), np.sin(angle))
    folder = write_series(tmp_path, orientation=orientation, step=np.array([0, 0, 2.0]))
    assert code_of(folder).code == "E_TILT"


def test_an_oblique_series_is_resampled_to_the_patients_axes(tmp_path: Path) -> None:
    angle = np.radians(10)
    orientation = (np.cos(angle), np.sin(angle), 0.0, -np.sin(angle), np.cos(angle), 0.0)
    volume = read_ct(write_series(tmp_path, orientation=orientation), "S1", CONFIG).volume
    np.testing.assert_array_equal(volume.direction, np.eye(3))
    source = np.column_stack([orientation[:3], orientation[3:], (0, 0, 1)]) * SPACING
    bone = np.argwhere(body_hu() > 600)[:, ::-1].mean(axis=0)
    expected = source @ bone + ORIGIN
    found = volume.world_at(np.argwhere(volume.array > 600)[:, ::-1].mean(axis=0))
    np.testing.assert_allclose(found, expected, atol=0.5)


def test_a_canonical_volume_is_left_alone() -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    matrix = np.diag([1.0, 2.0, 3.0, 1.0])
    np.testing.assert_array_equal(to_canonical(array, matrix, "HU", fill=0).array, array)


def test_no_orientation_no_volume(tmp_path: Path) -> None:
    def forget(_: int, data: pydicom.FileDataset) -> None:
        del data.ImageOrientationPatient

    assert code_of(write_series(tmp_path, change=forget)).code == "E_ORIENTATION"
    skew = (1.0, 0.0, 0.0, 0.5, 0.9, 0.0)
    assert code_of(write_series(tmp_path / "b", orientation=skew)).code == "E_ORIENTATION"
    assert AXIAL[0] == 1
