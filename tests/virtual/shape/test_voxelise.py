"""Voxels hold the volume and mineral of shapes whose integrals are known."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from bmdpipe.virtual.hip.fine_grid import CtGrid, on_grid
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS
from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import COLUMNS, cone
from bmdpipe.virtual.shape.voxelise import voxelise

NONE, NO_STRUTS = np.empty((0, COLUMNS)), np.empty((0, STRUT_COLUMNS))
GRID = CtGrid((80, 80, 80), (1.5, 1.5, 2.0), (-60.3, -60.1, -80.2))
RADIUS, CORTEX, COMPACT = 23.0, 2.0, 900.0


def ball(trabecular=0.0):
    return Bone(cone([0, 0, 0], [0, 0, 0], RADIUS, RADIUS, 1.0, CORTEX, trabecular)[None], NONE,
                NO_STRUTS)  # fmt: skip


@pytest.mark.parametrize("voxel_mm", [2.0, 1.0])
@pytest.mark.parametrize("parts", [1, 2])
def test_ball_has_its_volume_and_the_mass_of_its_shell(voxel_mm, parts):
    body = on_grid([ball()], GRID, voxel_mm, COMPACT, 0.0, parts=parts)
    volume = body.fraction.sum(dtype=float) * body.density.voxel_mm3
    mass = body.density.array.sum(dtype=float) * body.density.voxel_mm3
    # Compact to the cortex's depth, then falling evenly to nothing over the ramp.
    depth = np.linspace(0, RADIUS, 200_001)
    ramp = 0.35 * CORTEX + 0.2
    profile = COMPACT * np.clip((CORTEX + ramp - depth) / ramp, 0.0, 1.0)
    expected = np.trapezoid(profile * 4 * np.pi * (RADIUS - depth) ** 2, depth)
    # What bends is integrated as if flat: a sphere's volume errs by a quarter of (edge / radius)^2.
    allowed = 0.25 * (voxel_mm / parts / RADIUS) ** 2 + 1e-4
    assert volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=allowed)
    assert mass == pytest.approx(expected, rel=2 * allowed)


def test_partial_volume_of_a_flat_face_is_exact():
    """A huge ball's surface is a plane: the share falls over one voxel."""
    far = 4000.0
    flat = Bone(cone([0, 0, far], [0, 0, far], far, far, 1.0, 5.0, 0.0)[None], NONE, NO_STRUTS)
    grid = CtGrid((10, 10, 10), (1.0, 1.0, 1.0), (-4.5, -4.5, -4.25))
    column = _window(flat, grid)[:, 5, 5]
    z = grid.origin_mm[2] + np.arange(10)
    np.testing.assert_allclose(column, np.clip(z + 0.5, 0, 1), atol=2e-3)


def _window(bone, grid):
    fraction, density = (np.zeros(grid.size[::-1], np.float32) for _ in range(2))
    origin, spacing = np.array(grid.origin_mm), np.array(grid.spacing_mm)
    voxelise(bone, COMPACT, (0.0, 1.0, 0.0), origin, spacing, 2, fraction, density)
    return fraction


def test_noise_is_bounded_centred_and_smooth():
    rng = np.random.default_rng(0)
    points = rng.uniform(-200, 200, (20_000, 3))
    values = np.array([value_noise(*p) for p in points])
    near = np.array([value_noise(*(p + 0.01)) for p in points])
    assert np.abs(values).max() <= 1.0
    assert abs(values.mean()) < 0.02
    assert np.abs(near - values).max() < 0.08


SCRIPT = """
import hashlib, numpy as np
from bmdpipe.virtual.hip.fine_grid import CtGrid, on_grid
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.primitives import COLUMNS, cone
rows = np.array([cone([0, 0, 0], [30, 5, 10], 12, 8, 4.0, 2.0, 100.0),
                 cone([30, 5, 10], [20, -9, 30], 9, 6, 4.0, 1.0, 80.0)])
bone = Bone(rows, np.empty((0, COLUMNS)), np.empty((0, 8)))
grid = CtGrid((80, 80, 80), (1.5, 1.5, 2.0), (-60.3, -60.1, -80.2))
body = on_grid([bone], grid, 1.0, 900.0, 3.3)
print(hashlib.sha256(body.fraction.tobytes() + body.density.array.tobytes()).hexdigest())
"""


def test_same_bytes_whatever_the_number_of_threads():
    digests = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": "1"}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        digests.add(run.stdout.strip())
    assert len(digests) == 1
    assert len(digests.pop()) == hashlib.sha256().digest_size * 2
