"""One CT, written in any orientation, gives the same densities on the same side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.calibration import calibrate
from bmdpipe.densitometry.calibration_line import density_volume
from bmdpipe.imaging.ct import read_ct
from tests.densitometry.virtual_phantom import phantom_ct

from .ct_case import CONFIG
from .series import ORIENTATIONS, resliced, write_series

LIMIT = 0.005
TILT_DEG = 12.0


@pytest.fixture(scope="module")
def body() -> Volume:
    """A body on a phantom; the core of the left femur is denser than that of the right."""
    ct, _ = phantom_ct(spacing_mm=(2.0, 2.0, 3.0), size=(192, 150, 36), noise_hu=4.0)
    array = ct.array.copy()
    x = ct.world_at(np.argwhere(np.ones(array.shape[2]))[:, [0, 0, 0]] * [1, 0, 0])[:, 0]
    core = (array > 150) & (array < 400) & (np.abs(x - 90.0) < 19)[None, None, :]
    array[core] += 150
    return ct.like(array, "HU")


def femur_densities(folder: Path) -> dict[str, float]:
    """Mean calibrated density around the axes of both femora, on the importer's volume."""
    ct = read_ct(folder, "S1", CONFIG).volume
    calibration, _ = calibrate(ct, CalibrationConfig(), "S1")
    density = density_volume(ct, calibration)
    middle = ct.world_at((np.array(ct.size) - 1) / 2)[2]
    x, y, z = (ct.origin_mm[a] + ct.spacing_mm[a] * np.arange(ct.size[a]) for a in range(3))
    found = {}
    for side, sign in (("R", -1.0), ("L", 1.0)):
        near = (x - sign * 90.0) ** 2 + y[:, None] ** 2 <= 12.0**2
        part = density.array[np.abs(z - middle) <= 20.0][:, near]
        found[side] = float(part.mean(dtype=float))
    return found


@pytest.fixture(scope="module")
def reference(body: Volume, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    rows, columns = ORIENTATIONS[0]
    folder = tmp_path_factory.mktemp("axial")
    found = femur_densities(_written(folder, body, rows, columns))
    # 0.8 mg/cm3 per HU, less 2; the left core is 150 HU denser.
    assert found == pytest.approx({"R": 0.8 * 250 - 2, "L": 0.8 * 400 - 2}, rel=0.01)
    return found


def _written(folder: Path, body: Volume, rows, columns, change=None) -> Path:
    return resliced(folder, body.array, rows, columns, body.spacing_mm, body.origin_mm, change)


@pytest.mark.parametrize(("rows", "columns"), ORIENTATIONS[1:])
def test_orientation(body, reference, tmp_path, rows, columns) -> None:
    found = femur_densities(_written(tmp_path, body, rows, columns))
    assert found == pytest.approx(reference, rel=LIMIT)


@pytest.mark.parametrize("position", ["FFS", "HFP", "FFP"])
def test_position_in_the_header(body, reference, tmp_path, position) -> None:
    """Feet first and prone: the position's word, with vectors that tell where the patient is."""
    rows, columns = ORIENTATIONS[1] if position.endswith("P") else ORIENTATIONS[2]
    folder = _written(
        tmp_path, body, rows, columns, lambda _, d: setattr(d, "PatientPosition", position)
    )
    assert femur_densities(folder) == pytest.approx(reference, rel=LIMIT)


def test_a_patient_who_lay_prone(reference, tmp_path) -> None:
    """Turned onto the belly with the phantom still beneath: it lies in front of the patient."""
    ct, _ = phantom_ct(spacing_mm=(2.0, 2.0, 3.0), size=(192, 150, 36), noise_hu=4.0)
    x = ct.origin_mm[0] + ct.spacing_mm[0] * np.arange(ct.size[0])
    y = ct.origin_mm[1] + ct.spacing_mm[1] * np.arange(ct.size[1])
    array = ct.array.copy()
    core = (array > 150) & (array < 400) & (np.abs(x + 90.0) < 19)
    array[core & (np.abs(y) < 25)[:, None]] += 150
    prone = Volume(
        np.ascontiguousarray(array[:, ::-1, ::-1]), ct.spacing_mm, (-x[-1], -y[-1], 50.0), "HU"
    )
    found = femur_densities(_written(tmp_path, prone, *ORIENTATIONS[0]))
    assert found == pytest.approx(reference, rel=LIMIT)


def test_tilted_gantry(body, reference, tmp_path) -> None:
    angle = np.radians(TILT_DEG)
    _, sy, sz = body.spacing_mm
    nz, ny, nx = body.array.shape
    k, j, i = np.mgrid[:nz, :ny, :nx].astype(float)
    depth = (ny - 1) / 2 * sy
    y = depth + (j * sy - depth) * np.cos(angle)
    z = k * sz + (j * sy - depth) * np.sin(angle)
    tilted = ndimage.map_coordinates(
        body.array.astype(float), [z / sz, y / sy, i], order=1, mode="nearest"
    )
    first = (
        body.origin_mm[0],
        body.origin_mm[1] + depth * (1 - np.cos(angle)),
        body.origin_mm[2] - depth * np.sin(angle),
    )
    folder = write_series(
        tmp_path,
        np.rint(tilted),
        orientation=(1.0, 0.0, 0.0, 0.0, np.cos(angle), np.sin(angle)),
        spacing=body.spacing_mm,
        origin=first,
        step=np.array([0.0, 0.0, sz]),
    )
    assert femur_densities(folder) == pytest.approx(reference, rel=LIMIT)
