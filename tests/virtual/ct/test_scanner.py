"""The CT and its DICOM series tell the truth that calibration has to find."""

from __future__ import annotations

import dataclasses
import tracemalloc

import nibabel
import numba
import numpy as np
import pydicom
import pytest

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.files import ANNOTATION, TRUE_DENSITY, TRUE_LABELS
from bmdpipe.densitometry.calibration import calibrate
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.virtual.ct.recording import record_ct
from bmdpipe.virtual.ct.scanner import draw_session, slabs


@pytest.fixture(scope="module")
def series(made):
    files = sorted((made.folder / "ct").iterdir())
    return [pydicom.dcmread(file) for file in files]


def test_file_order_is_not_slice_order(series):
    heights = np.array([d.ImagePositionPatient[2] for d in series])
    assert not (np.diff(heights) > 0).all()
    assert not (np.diff(heights) < 0).all()


def test_series_has_regular_positions_and_one_identity(made, series):
    heights = np.sort([float(d.ImagePositionPatient[2]) for d in series])
    np.testing.assert_allclose(np.diff(heights), made.config.ct.slice_mm, atol=1e-3)
    assert len({d.SOPInstanceUID for d in series}) == len(series)
    assert {d.SeriesInstanceUID for d in series} == {series[0].SeriesInstanceUID}
    assert {str(d.PatientID) for d in series} == {"V002"}
    assert all(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID for d in series)


def test_pixels_are_the_acquired_hu_at_their_places(made, series):
    hu = made.scan.hu
    for data in series[:6]:
        x, y, z = (float(v) for v in data.ImagePositionPatient)
        k = round((z - hu.origin_mm[2]) / hu.spacing_mm[2])
        np.testing.assert_allclose([x, y], hu.origin_mm[:2], atol=1e-3)
        stored = data.pixel_array
        seen = stored != data.PixelPaddingValue
        values = stored * float(data.RescaleSlope) + float(data.RescaleIntercept)
        np.testing.assert_array_equal(values[seen], hu.array[k][seen])
        assert 0.7 < seen.mean() < 0.8, "a circle in its square"


def test_calibration_recovers_the_scale_error(made):
    """A line through the rods' mean HU gives the injected slope and intercept."""
    hu, means, densities = made.scan.hu, [], []
    xs, ys, zs = (
        o + s * np.arange(n) for o, s, n in zip(hu.origin_mm, hu.spacing_mm, hu.size, strict=True)
    )
    for rod in made.truth["rods"]:
        point, axis = np.array(rod["point_mm"]), np.array(rod["axis"])
        inside = []
        for k, z in enumerate(zs):
            cx, cy = (point + axis * (z - point[2]) / axis[2])[:2]
            near = np.hypot(xs[None] - cx, ys[:, None] - cy) < 0.5 * 18 - 4
            inside.append(hu.array[k][near])
        means.append(np.concatenate(inside).mean())
        densities.append(rod["density_mg_cm3"])
    slope, intercept = np.polyfit(means, densities, 1)
    assert slope == pytest.approx(made.truth["hu"]["slope"], rel=0.005)
    assert intercept == pytest.approx(made.truth["hu"]["intercept"], abs=1.0)
    assert np.corrcoef(means, densities)[0, 1] > 0.9999


def test_the_pipelines_own_calibration_recovers_it_too(made):
    calibration, rods = calibrate(made.scan.hu, CalibrationConfig(), "V002")
    assert rods is not None
    assert calibration.slope == pytest.approx(made.truth["hu"]["slope"], rel=0.005)
    assert calibration.intercept == pytest.approx(made.truth["hu"]["intercept"], abs=1.0)
    for found, true in zip(calibration.rods, made.truth["rods"], strict=True):
        offset = np.array(found.centre_mm) - true["point_mm"]
        off_axis = offset - np.array(true["axis"]) * (offset @ np.array(true["axis"]))
        assert np.linalg.norm(off_axis) < 1.5


def test_calibrated_bone_has_its_true_density(made):
    scale = made.scan.scale
    labels, truth = made.scan.labels.array, made.scan.density.array
    measured = scale.slope * made.scan.hu.array + scale.intercept
    head = made.scan.labels.index_at(np.array(made.truth["landmarks"]["R"]["head_centre"]))
    i, j, k = np.rint(head).astype(int)
    window = np.s_[k - 2 : k + 3, j - 4 : j + 5, i - 4 : i + 5]
    assert (labels[window] == 2).all()
    assert measured[window].mean() == pytest.approx(truth[window].mean(), abs=6)


def test_tissue_has_plausible_hu(made):
    hu = made.scan.hu.array
    counts, edges = np.histogram(hu, bins=np.arange(-1030, 400, 10))
    centres = edges[:-1] + 5
    soft = (centres > -20) & (centres < 150)
    fat = (centres > -180) & (centres < -60)
    assert 25 < centres[soft][counts[soft].argmax()] < 75
    assert -135 < centres[fat][counts[fat].argmax()] < -75


def test_truth_files_share_the_grid(made):
    labels = read_volume(made.folder / TRUE_LABELS)
    density = read_volume(made.folder / TRUE_DENSITY)
    np.testing.assert_array_equal(labels.array, made.scan.labels.array)
    assert density.unit == "mg/cm3"
    assert labels.origin_mm == pytest.approx(made.scan.hu.origin_mm, abs=1e-3)
    assert (made.folder / ANNOTATION).exists()
    orientation = nibabel.aff2axcodes(nibabel.load(made.folder / TRUE_LABELS).affine)
    assert orientation == ("L", "P", "S")


def _stacked(made, thickness: int):
    session = draw_session(made.config, made.anatomy)
    parts = list(slabs(made.config, made.anatomy, session, thickness))
    return [np.concatenate([getattr(p, name) for p in parts]) for name in FIELDS]


FIELDS = ("hu", "labels", "density")


@pytest.mark.parametrize("thickness", [1, 13])
def test_slices_do_not_depend_on_the_slab(made, thickness):
    for name, array in zip(FIELDS, _stacked(made, thickness), strict=True):
        whole = getattr(made.scan, name).array
        # A height may round differently; one HU is the scale's own step.
        assert np.abs(array.astype(int) - whole).max() <= (0 if name == "labels" else 1)
        assert (array != whole).mean() < 1e-5


def test_slices_do_not_depend_on_the_threads(made):
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = _stacked(made, 9)
    finally:
        numba.set_num_threads(before)
    for one, many in zip(alone, _stacked(made, 9), strict=True):
        np.testing.assert_array_equal(one, many)


def test_memory_does_not_grow_with_the_number_of_slices(made, tmp_path, monkeypatch):
    """Three times the slices take no more memory than a slice or two."""
    peaks, grid = [], made.anatomy.grid
    slice_bytes = 4 * grid.size[0] * grid.size[1]
    monkeypatch.setattr("bmdpipe.virtual.ct.scanner.SLAB_VOXELS", 8 * slice_bytes // 4)
    for n in (24, 72):
        anatomy = dataclasses.replace(
            made.anatomy, grid=dataclasses.replace(grid, size=(*grid.size[:2], n))
        )
        tracemalloc.start()
        record_ct(tmp_path / str(n), made.config, "V002", anatomy, True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2 * slice_bytes


def test_feet_first_turns_the_row_of_rods(configured, made):
    rows = {}
    for share in (0.0, 1.0):
        ct = made.config.ct.model_copy(update={"feet_first_fraction": share})
        rods = draw_session(configured(ct=ct), made.anatomy).rods
        rows[share] = np.sign(np.diff([rod.point_mm[0] for rod in rods]))
    np.testing.assert_array_equal(rows[0.0], -rows[1.0])
    assert (rows[0.0] > 0).all()


def test_table_stands_a_little_askew(configured, made):
    tilts = []
    for seed in range(30):
        axis = draw_session(configured(seed=seed), made.anatomy).rods[0].axis
        tilts.append(np.degrees(np.arctan2(axis[:2], axis[2])))
    spread = np.std(tilts, axis=0)
    assert (spread > 0.15).all()
    assert (np.abs(tilts) < 2.5).all()
