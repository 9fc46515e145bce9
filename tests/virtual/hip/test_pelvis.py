"""The hip bones: holes where they belong, a socket that fits its head, disease that narrows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import label

from bmdpipe.core.labels import SIDES
from bmdpipe.virtual.demographics import draw_person
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis import Pelvis, build_pelvis
from bmdpipe.virtual.hip.pelvis_shape import CORNERS
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits, draw_pelvis
from bmdpipe.virtual.shape.primitives import bone_distance
from bmdpipe.virtual.shape.voxelise import voxelise

HEAD_MM = {"R": 22.0, "L": 22.5}
WELL = HipDisease(0.0, 0.0, 0.0, 0.0, 0.0, False)
MINERAL = Mineral(1.0, 1.0, 1050.0, 1.0, 1.0, 1.0, 1.0)


def traits_of(configured, number: int) -> PelvisTraits:
    config = configured()
    person = draw_person(config.demographics, config.seed, number)
    return draw_pelvis(person, config.seed, tuple(CORNERS))


def pelvis_of(traits: PelvisTraits, **ill: float) -> Pelvis:
    disease = dict.fromkeys(SIDES, replace(WELL, **ill))
    return build_pelvis(traits, MINERAL, HEAD_MM, disease)


def space_mm(pelvis: Pelvis, side: str, direction: np.ndarray) -> float:
    """From the head to the first bone along a direction, by bisection of the bone's distance."""
    bone, socket = pelvis.hips[side], pelvis.sockets[side]
    along = np.linspace(HEAD_MM[side] - 1.0, HEAD_MM[side] + 9.0, 201)
    points = socket.centre_mm + along[:, None] * direction
    inside = [bone_distance(bone.solids, bone.cuts, *p) < 0 for p in points]
    assert any(inside)
    return float(along[int(np.argmax(inside))]) - HEAD_MM[side]


@pytest.fixture(scope="module")
def shadows(configured) -> dict[str, tuple[np.ndarray, float]]:
    """What each hip bone hides from the front, `[z, x]` at 2 mm."""
    pelvis = pelvis_of(traits_of(configured, 2))
    low, size, step = np.array([-170.0, -110.0, -120.0]), (170, 110, 150), 2.0
    result = {}
    for side, bone in pelvis.hips.items():
        fraction = np.zeros(size[::-1], np.float32)
        density = np.zeros_like(fraction)
        voxelise(bone, 1050.0, (0.0, 2.2, 0.0), low, np.full(3, step), 1, fraction, density)
        result[side] = (fraction.max(axis=1) > 0.3, step)
    return result


@pytest.mark.parametrize("side", SIDES)
def test_obturator_foramen_is_the_only_hole_of_a_hip_bone(shadows, side):
    shadow, step = shadows[side]
    _, n = label(shadow)
    assert n == 1
    background, n_background = label(~shadow, np.ones((3, 3)))
    outside = background[0, 0]
    holes = [k for k in range(1, n_background + 1) if k != outside]
    areas = [float((background == k).sum()) * step * step for k in holes]
    assert len(holes) == 1
    assert 300.0 < areas[0] < 2200.0
    z, x = np.argwhere(background == holes[0]).mean(axis=0) * step + np.array([-120.0, -170.0])
    assert z < 0.0
    assert (x > 0) == (side == "L")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_head_fits_with_the_joint_space_drawn(configured, side, number):
    traits = traits_of(configured, number)
    pelvis = pelvis_of(traits)
    bone, socket = pelvis.hips[side], pelvis.sockets[side]
    rng = np.random.default_rng(0)
    around = rng.standard_normal((400, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    clear = [
        bone_distance(bone.solids, bone.cuts, *(socket.centre_mm + HEAD_MM[side] * d))
        for d in around
    ]
    assert min(clear) > 0.8 * traits.joint_gap_mm[side]
    gap = space_mm(pelvis, side, socket.loaded)
    assert gap == pytest.approx(traits.joint_gap_mm[side], abs=0.4)


@pytest.mark.parametrize("side", SIDES)
def test_narrowing_thins_the_loaded_space_and_never_closes_it(configured, side):
    traits = traits_of(configured, 2)
    steps = [pelvis_of(traits, narrowing=n) for n in (0.0, 0.3, 0.6, 1.0)]
    gaps = [space_mm(p, side, p.sockets[side].loaded) for p in steps]
    assert (np.diff(gaps) < -0.4).all()
    assert gaps[-1] > 0.2
    ill = steps[-1].sockets[side]
    assert gaps[0] - gaps[-1] == pytest.approx(ill.lost_mm, abs=0.4)


def test_osteophytes_add_bone_outside_the_head_only(configured):
    traits = traits_of(configured, 2)
    well, ill = pelvis_of(traits), pelvis_of(traits, osteophytes=1.0)
    for side in SIDES:
        socket = ill.sockets[side]
        rng = np.random.default_rng(1)
        points = rng.uniform(-45, 45, (4000, 3))
        near = np.linalg.norm(points, axis=1) < HEAD_MM[side] + 0.5 * socket.gap_mm
        where = points + socket.centre_mm
        first, second = (
            np.array([bone_distance(p.hips[side].solids, p.hips[side].cuts, *q) for q in where])
            for p in (well, ill)
        )
        assert (second <= first + 1e-6).all()
        assert ((second < 0) & (first > 0)).any()
        assert (second[near] > 0).all()


def test_sclerosis_is_denser_bone_over_the_head(configured):
    traits = traits_of(configured, 2)
    well, ill = pelvis_of(traits), pelvis_of(traits, sclerosis=1.0)
    for side in SIDES:
        assert ill.hips[side].struts[:, 7].max() > well.hips[side].struts[:, 7].max()
        assert np.array_equal(ill.hips[side].solids, well.hips[side].solids)


def test_sacroiliac_joints_are_open(configured):
    """No point lies in a hip bone and in the sacrum, and between them is a gap."""
    pelvis = pelvis_of(traits_of(configured, 3))
    rng = np.random.default_rng(2)
    points = rng.uniform((25, 20, 40), (75, 100, 115), (6000, 3))
    hip, sacrum = (
        np.array([bone_distance(b.solids, b.cuts, *p) for p in points])
        for b in (pelvis.hips["L"], pelvis.sacrum)
    )
    assert (hip < 0).any()
    assert (sacrum < 0).any()
    assert not ((hip < 0.5) & (sacrum < 0.0)).any()
    assert ((hip < 4.0) & (sacrum < 4.0)).any()
