import numpy as np
import pytest

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.image import Image
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.build import RegisteredRadiograph, build_subject, trusted_sides

SIZE = (16, 32)


def _radiograph(sides=("R", "L"), bones_spacing=2.0):
    rng = np.random.default_rng(1)
    camera = Camera.centred(1200.0, (1.0, 1.0), (80, 64))
    n = (int(80 / 2.0), int(64 / 2.0))
    density = Image(rng.random(n[::-1]).astype(np.float32), (bones_spacing,) * 2, "mg/cm2")
    picture = Image(rng.random((64, 80)).astype(np.float32), (1.0, 1.0), "attenuation")
    return RegisteredRadiograph(
        "r1", "standing", camera, picture, {"bones": density, "pf": density}, sides
    )


def test_both_hips_the_other_one_without_a_target():
    cases, images = build_subject("S1", "L", [_radiograph()], PairsConfig(size_px=SIZE))
    assert [(c.name, c.row, c.target, c.mirrored) for c in cases] == [
        ("S1/r1/R", 0, False, False),
        ("S1/r1/L", 1, True, False),
    ]
    assert all(stack.shape == (2, 32, 16) for stack in images.values())
    assert not images["pf"][0].any()
    assert images["pf"][1].any()
    assert images["bones"][0].any()
    assert cases[0].aspect == pytest.approx(1.25)


def test_canonical_side_mirrors_left_hips_and_their_camera():
    plain, a = build_subject("S1", "L", [_radiograph()], PairsConfig(size_px=SIZE))
    canon, b = build_subject(
        "S1", "L", [_radiograph()], PairsConfig(size_px=SIZE, canonical_side=True)
    )
    assert [c.mirrored for c in canon] == [False, True]
    for kind in a:
        np.testing.assert_array_equal(a[kind][0], b[kind][0])
        np.testing.assert_array_equal(a[kind][1][:, ::-1], b[kind][1])
    assert canon[1].camera == plain[1].camera.mirrored()


def test_untrusted_hips_are_left_out():
    cases, images = build_subject("S1", "R", [_radiograph(("L",))], PairsConfig(size_px=SIZE))
    assert [case.side for case in cases] == ["L"]
    assert images["pf"].shape == (1, 32, 16)
    none, empty = build_subject("S1", "R", [_radiograph(())], PairsConfig(size_px=SIZE))
    assert none == []
    assert empty["pf"].shape == (0, 32, 16)


@pytest.mark.parametrize(
    ("ok", "sides"),
    [((1, 1, 1), ("R", "L")), ((1, 0, 1), ("L",)), ((0, 1, 1), ()), ((1, 0, 0), ())],
)
def test_a_hip_needs_its_femur_and_the_pelvis(ok, sides):
    bodies = dict(zip(("pelvis", "femur_r", "femur_l"), ({"ok": bool(o)} for o in ok), strict=True))
    assert trusted_sides(bodies) == sides


def test_a_projection_of_another_area_is_a_fault():
    with pytest.raises(ValueError, match="covers"):
        build_subject("S1", "R", [_radiograph(bones_spacing=1.5)], PairsConfig(size_px=SIZE))
