import numpy as np
import pytest

from bmdpipe.pairs.normalise import ImageScale, ValueScale, fit_image_scale, fit_value_scale


def test_there_and_back():
    rng = np.random.default_rng(0)
    radiographs, densities = rng.random((3, 8, 4)), rng.random((3, 8, 4)) * 900
    scale = fit_image_scale(radiographs, densities)
    standard = scale.radiograph_in(radiographs)
    assert standard.mean() == pytest.approx(0, abs=1e-12)
    assert standard.std() == pytest.approx(1)
    np.testing.assert_allclose(scale.density_out(scale.density_in(densities)), densities)
    assert scale.density_in(densities).max() == pytest.approx(1, abs=0.05)
    assert ImageScale(**scale.to_json()) == scale


def test_values_there_and_back():
    scale = fit_value_scale([0.5, 0.7, 0.9])
    assert scale.value_in(np.array(0.7)) == pytest.approx(0)
    assert scale.value_out(scale.value_in(np.array(0.81))) == pytest.approx(0.81)
    assert ValueScale(**scale.to_json()) == scale


def test_what_cannot_be_normalised_is_refused():
    with pytest.raises(ValueError):
        fit_image_scale(np.ones((1, 2, 2)), np.ones((1, 2, 2)))
    with pytest.raises(ValueError):
        fit_image_scale(np.arange(4.0), np.zeros(4))
    with pytest.raises(ValueError):
        fit_value_scale([0.7, 0.7])
