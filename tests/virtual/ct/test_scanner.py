"""The CT and its DICOM series tell the truth that calibration has to find."""

from __future__ import annotations

import nibabel
import numpy as np
import pydicom
import pytest

from bmdpipe.core.files import ANNOTATION, TRUE_DENSITY, TRUE_LABELS
from bmdpipe.imaging.nifti import read_volume


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
        values = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        np.testing.assert_array_equal(values, hu.array[k])


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
    assert slope == pytest.approx(made.truth["hu"]["slope"], rel=0.01)
    assert intercept == pytest.approx(made.truth["hu"]["intercept"], abs=1.5)
    assert np.corrcoef(means, densities)[0, 1] > 0.999


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
