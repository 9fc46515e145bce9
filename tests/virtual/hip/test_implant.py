"""A hip replacement: metal where bone is not, on the side that is not examined."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.disease import DiseaseConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.virtual.hip.anatomy import build_anatomy
from bmdpipe.virtual.hip.implant import HEAD_RADIUS_MM, METAL_MG_CM3


@pytest.fixture(scope="module")
def pair(configured):
    """The same subject without and with an implant."""
    return tuple(
        build_anatomy(configured(disease=DiseaseConfig(implant_fraction=f)), 2) for f in (0.0, 1.0)
    )


def sides(anatomy):
    examined = anatomy.person.side
    return examined, next(s for s in SIDES if s != examined)


def test_pieces_move_with_the_bones_that_hold_them(pair):
    intact, replaced = pair
    _, other = sides(replaced)
    assert intact.implants == ()
    assert [(i.moves_with, i.material) for i in replaced.implants] == [
        ("pelvis", "titanium"),
        (femur_body(other), "cobalt_chrome"),
        (femur_body(other), "titanium"),
    ]


def test_metal_and_bone_never_overlap(pair, on_one_grid):
    _, replaced = pair
    shares = [i.share for i in replaced.implants] + list(replaced.bodies.values())
    total = sum(on_one_grid(shares))
    assert total.max() <= 1.0 + 1e-5
    for implant in replaced.implants:
        metal = implant.share
        for body in replaced.bodies.values():
            index = np.argwhere(metal.fraction > 0.5)[:, ::-1]
            shift = (np.array(metal.first) - body.first) * body.divide
            i, j, k = (index + shift).T
            nz, ny, nx = body.fraction.shape
            inside = (i >= 0) & (i < nx) & (j >= 0) & (j < ny) & (k >= 0) & (k < nz)
            bone = body.fraction[k[inside], j[inside], i[inside]]
            assert (bone < 0.5).all()


def test_examined_side_is_unchanged(pair):
    examined, _ = sides(pair[1])
    before, after = (a.bodies[femur_body(examined)] for a in pair)
    assert before.fraction.tobytes() == after.fraction.tobytes()
    assert before.density.array.tobytes() == after.density.array.tobytes()


def test_metal_has_the_density_of_its_alloy(pair):
    for implant in pair[1].implants:
        expected = implant.share.fraction * METAL_MG_CM3[implant.material]
        np.testing.assert_allclose(implant.share.density.array, expected, rtol=1e-4)


def test_ball_has_its_volume_and_sits_in_the_joint(pair):
    _, replaced = pair
    _, other = sides(replaced)
    ball = replaced.implants[1].share
    volume = ball.fraction.sum(dtype=float) * ball.density.voxel_mm3
    assert volume == pytest.approx(4 / 3 * np.pi * HEAD_RADIUS_MM**3, rel=1e-3)
    k, j, i = np.nonzero(ball.fraction > 0.5)
    middle = ball.density.world_at(np.column_stack([i, j, k])).mean(axis=0)
    assert np.linalg.norm(middle - replaced.hip_centres[other]) < 0.3


def test_head_and_upper_neck_are_gone_and_the_trochanter_stays(pair):
    intact, replaced = pair
    _, other = sides(replaced)
    femur = replaced.femora[other]
    centre, neck = femur.frame.centre_mm, femur.frame.place @ femur.frame.neck

    def nearest(anatomy):
        body = anatomy.bodies[femur_body(other)]
        k, j, i = np.nonzero(body.fraction >= 0.5)
        return np.linalg.norm(body.density.world_at(np.column_stack([i, j, k])) - centre, axis=1)

    assert nearest(intact).min() < 2.0
    assert nearest(replaced).min() > 15.0
    tip = femur.frame.by_joint(8, 5, 26)
    assert femur.bone.distance(tip) < 0
    body = replaced.bodies[femur_body(other)]
    i, j, k = np.rint(body.density.index_at(tip)).astype(int)
    assert body.fraction[k, j, i] > 0.9
    assert neck[2] < 0


def test_stem_lies_inside_the_femur(pair):
    """Below the resection, next to no metal pierces the outer surface."""
    _, replaced = pair
    _, other = sides(replaced)
    femur, stem = replaced.femora[other], replaced.implants[2].share
    k, j, i = np.nonzero(stem.fraction > 0.5)
    world = stem.density.world_at(np.column_stack([i, j, k]))
    frame = femur.frame
    below = (world - frame.centre_mm) @ (frame.place @ frame.neck) > frame.traits.neck_length_mm
    outside = [femur.bone.distance(p) > 0 for p in world[below][::7]]
    assert len(outside) > 300
    assert np.mean(outside) < 0.002
