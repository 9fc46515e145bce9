"""Volume and mineral do not depend on the grid, and projections keep them."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.density import density_projection
from bmdpipe.virtual.dxa.pose import dxa_pose


def grams(body):
    return body.density.array.sum(dtype=float) * body.density.voxel_mm3 / 1e6


def millilitres(body):
    return body.fraction.sum(dtype=float) * body.density.voxel_mm3 / 1e3


def test_volume_and_mass_are_those_of_a_grid_three_times_finer(femur_of, voxels_of):
    femur = femur_of()
    coarse, fine = (voxels_of(femur, voxel) for voxel in (1.5, 0.5))
    assert fine.density.array.size == 27 * coarse.density.array.size
    assert millilitres(coarse) == pytest.approx(millilitres(fine), rel=1e-3)
    assert grams(coarse) == pytest.approx(grams(fine), rel=1e-3)


def test_mineral_is_only_where_bone_is(femur_of, voxels_of):
    body = voxels_of(femur_of(), 1.5)
    assert (body.density.array[body.fraction == 0] == 0).all()
    assert body.fraction.min() >= 0
    assert body.fraction.max() <= 1
    assert body.density.array.max() <= 950.0 + 1e-3


@pytest.mark.parametrize("name", ["pelvis", "femur_r", "femur_l"])
def test_projection_conserves_mass(made, name):
    """Parallel beam: sum of projection times pixel area = sum of density times voxel volume."""
    density = made.anatomy.bodies[name].density
    far, pixel = 1e6, 0.6
    camera = Camera.centred(far, (pixel, pixel), (780, 960))
    axes = dxa_pose({n: np.array(p) for n, p in made.truth["landmarks"]["R"].items()})
    pose = axes.copy()
    middle = density.world_at((np.array(density.size) - 1) / 2)
    pose[:3, 3] = np.array([0, 0, far - 300]) - axes[:3, :3] @ middle
    image = density_projection([(made.anatomy.bodies[name].body, pose)], camera)
    projected = image.sum(dtype=float) * (pixel / 10) ** 2 / 1000
    # The beam is a pencil from 1 km: at 300 mm before the detector it magnifies by 0.03 %.
    truth = grams(made.anatomy.bodies[name]) * (far / (far - 300)) ** 2
    assert projected == pytest.approx(truth, rel=1e-3)
