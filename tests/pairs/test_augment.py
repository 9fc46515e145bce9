import pytest
import torch

from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.pairs.augment import (
    apply_geometry,
    apply_intensity,
    draw,
    identity,
    is_active,
    points_after,
)

NOTHING = AugmentationConfig(
    rotation_deg=0,
    shear_deg=0,
    translation_fraction=0,
    scale=0,
    brightness=0,
    contrast=0,
    flip_horizontal=False,
    flip_vertical=False,
)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _blobs(size, xy):
    """Gaussians at (x, y) per image, `[n, 1, h, w]`."""
    width, height = size
    x = torch.arange(width)[None, None, :] - xy[:, 0, None, None]
    y = torch.arange(height)[None, :, None] - xy[:, 1, None, None]
    return torch.exp(-(x**2 + y**2) / (2 * 2.0**2))[:, None]


def _centroid(images):
    weights = images[:, 0] / images[:, 0].sum(dim=(1, 2), keepdim=True)
    x = (weights.sum(1) * torch.arange(images.shape[-1])).sum(1)
    y = (weights.sum(2) * torch.arange(images.shape[-2])).sum(1)
    return torch.stack([x, y], dim=1)


@pytest.mark.parametrize("drawn", [identity(2), draw(2, NOTHING, _generator())])
def test_identity_at_zero(drawn):
    images = torch.rand(2, 3, 12, 7, generator=_generator())
    torch.testing.assert_close(apply_geometry(images, drawn), images, rtol=0, atol=2e-6)
    torch.testing.assert_close(apply_intensity(images[:, :1], drawn), images[:, :1])


def test_it_replays():
    images = torch.rand(4, 2, 16, 8, generator=_generator())
    config = AugmentationConfig()
    first, again = draw(4, config, _generator(3)), draw(4, config, _generator(3))
    assert torch.equal(apply_geometry(images, first), apply_geometry(images, again))
    other = draw(4, config, _generator(4))
    assert not torch.equal(apply_geometry(images, first), apply_geometry(images, other))


def test_a_point_goes_where_the_parameters_say():
    size = (48, 96)
    config = AugmentationConfig(translation_fraction=0.1)
    drawn = draw(8, config, _generator(1))
    xy = torch.tensor([[26.0, 44.0]]).repeat(8, 1)
    moved = _centroid(apply_geometry(_blobs(size, xy), drawn))
    torch.testing.assert_close(
        moved, points_after(drawn, xy[:, None], size)[:, 0], rtol=0, atol=0.05
    )


def test_radiograph_and_projection_stay_aligned():
    image = torch.rand(3, 1, 20, 10, generator=_generator())
    drawn = draw(3, AugmentationConfig(), _generator(2))
    both = apply_geometry(torch.cat([image, 7 * image], dim=1), drawn)
    torch.testing.assert_close(7 * both[:, :1], both[:, 1:])


def test_rotation_is_one_on_images_that_are_not_square():
    """A quarter turn of a horizontal offset becomes a vertical one of the same number of pixels."""
    config = NOTHING.model_copy(update={"rotation_deg": 90.0})
    drawn = draw(1, config, _generator())
    angle = torch.atan2(drawn.output_from_input[0, 1, 0], drawn.output_from_input[0, 0, 0])
    offset = 10.0
    xy = torch.tensor([[23.5 + offset, 47.5]])
    moved = _centroid(apply_geometry(_blobs((48, 96), xy), drawn))[0]
    expected = torch.stack([23.5 + offset * angle.cos(), 47.5 + offset * angle.sin()])
    torch.testing.assert_close(moved, expected, rtol=0, atol=0.05)


def test_magnification_keeps_mg_per_cm2():
    config = NOTHING.model_copy(update={"scale": 0.3})
    image = torch.full((16, 1, 32, 16), 500.0)
    drawn = draw(16, config, _generator())
    middle = apply_geometry(image, drawn)[:, :, 14:18, 6:10]
    torch.testing.assert_close(middle, torch.full_like(middle, 500.0))


def test_flips():
    config = NOTHING.model_copy(update={"flip_horizontal": True, "flip_vertical": True})
    image = torch.rand(1, 1, 8, 4, generator=_generator())
    drawn = draw(32, config, _generator())
    seen = set()
    for result in apply_geometry(image.repeat(32, 1, 1, 1), drawn):
        for dims in ((), (1,), (2,), (1, 2)):
            if torch.allclose(result, image[0].flip(dims), atol=1e-5):
                seen.add(dims)
    assert seen == {(), (1,), (2,), (1, 2)}


def test_parameters_stay_in_their_ranges_and_fill_them():
    config = AugmentationConfig()
    drawn = draw(4000, config, _generator())
    shift = drawn.output_from_input[:, :, 2].abs()
    area = torch.linalg.det(drawn.output_from_input[:, :, :2]).abs().sqrt()
    for values, low, high in (
        (shift, 0.0, 0.3),
        (area, 0.7, 1.3),
        (drawn.brightness, 0.5, 1.5),
        (drawn.contrast, 0.5, 1.5),
    ):
        assert low - 1e-4 <= values.min() < low + 0.02
        assert high - 0.02 < values.max() <= high + 1e-4


def test_intensity_formulas():
    image = torch.tensor([[[[0.2, 0.6]]]])
    drawn = identity(1)
    brighter = type(drawn)(drawn.output_from_input, torch.tensor([1.5]), torch.tensor([0.5]))
    torch.testing.assert_close(apply_intensity(image, brighter), torch.tensor([[[[0.45, 0.75]]]]))


def test_is_active():
    assert not is_active(NOTHING)
    assert is_active(NOTHING.model_copy(update={"flip_vertical": True}))
