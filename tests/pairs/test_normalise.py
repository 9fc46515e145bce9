import numpy as np
import pytest
import torch

from bmdpipe.pairs.normalise import (
    ImageScale,
    ValueScale,
    fit_image_scale,
    fit_value_scale,
    positive_quantile,
)


def test_there_and_back():
    rng = np.random.default_rng(0)
    radiographs, densities = rng.random((40, 8, 4)), rng.random((40, 8, 4)) * 900
    scale = fit_image_scale(radiographs, densities)
    standard = scale.radiograph_in(torch.from_numpy(radiographs)).numpy()
    assert standard.mean() == pytest.approx(0, abs=1e-6)
    assert standard.std() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(scale.density_out(scale.density_in(densities)), densities)
    assert scale.density_in(densities).max() == pytest.approx(1, abs=0.05)
    assert ImageScale(**scale.to_json()) == scale


@pytest.mark.parametrize("quantile", [0.25, 0.6, 0.999])
def test_the_quantile_of_positive_pixels_is_numpys(quantile):
    rng = np.random.default_rng(1)
    stack = np.maximum(rng.normal(200, 300, (70, 16, 8)), 0)
    expected = np.quantile(stack[stack > 0], quantile, method="inverted_cdf")
    assert positive_quantile(stack, quantile) == pytest.approx(expected, abs=stack.max() * 1e-3)


def test_an_image_by_itself_forgets_the_exposures_window_and_what_lies_beyond_the_field():
    """Contrast and brightness of the look, and lead or air about the field, change nothing."""
    generator = torch.Generator().manual_seed(0)
    seen = 0.3 + 0.3 * torch.rand(1, 1, 32, 16, generator=generator)
    scale = ImageScale(0.5, 0.25, 900.0, "image")
    plain = scale.radiograph_in(seen)
    torch.testing.assert_close(scale.radiograph_in(0.6 * seen + 0.2), plain, atol=1e-5, rtol=0)
    inside = (slice(None), slice(None), slice(4, 28), slice(3, 13))
    for beyond in (0.0, 1.5):
        framed = torch.full_like(seen, beyond)
        framed[inside] = seen[inside]
        expected = (seen[inside] - seen[inside].mean()) / seen[inside].std(correction=0)
        torch.testing.assert_close(scale.radiograph_in(framed)[inside], expected, atol=1e-5, rtol=0)
    assert torch.isfinite(scale.radiograph_in(torch.zeros(1, 1, 4, 4))).all()


def test_a_neighbourhood_forgets_a_smooth_look_up_table():
    """Texture under a slow drift, seen through three tables: plain numbers tell the tables apart
    and not the texture, the standardised ones the other way round."""
    generator = torch.Generator().manual_seed(0)
    texture = torch.randn(2, 1, 96, 64, generator=generator) * 0.02
    drift = 0.35 + 0.3 * torch.linspace(0, 1, 96)[:, None]
    seen = texture + drift
    scale = ImageScale(0.5, 0.25, 900.0, "local")
    tables = (seen, seen**1.5, torch.tanh(2 * seen) + 0.1 * drift)
    made = [scale.radiograph_in(image)[..., 8:-8, 8:-8] for image in tables]

    def alike(a, b):
        return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])

    for other in made[1:]:
        assert alike(made[0][:1], other[:1]) > 0.99
    assert abs(alike(made[0][:1], made[0][1:])) < 0.1
    assert alike(seen[:1], seen[1:]) > 0.9  # without it, two textures look the same
    flat = scale.radiograph_in(torch.full((1, 1, 32, 16), 0.4))
    torch.testing.assert_close(flat, torch.zeros_like(flat), atol=1e-4, rtol=0)


def test_values_there_and_back():
    scale = fit_value_scale([0.5, 0.7, 0.9])
    assert scale.value_in(np.array(0.7)) == pytest.approx(0)
    assert scale.value_out(scale.value_in(np.array(0.81))) == pytest.approx(0.81)
    assert ValueScale(**scale.to_json()) == scale


def test_what_cannot_be_normalised_is_refused():
    with pytest.raises(ValueError):
        fit_image_scale(np.ones((1, 2, 2)), np.ones((1, 2, 2)))
    with pytest.raises(ValueError):
        fit_image_scale(np.arange(4.0).reshape(1, 2, 2), np.zeros((1, 2, 2)))
    with pytest.raises(ValueError):
        fit_value_scale([0.7, 0.7])
