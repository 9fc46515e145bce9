import numpy as np
import pytest

from bmdpipe.training.projection_fit import ProjectionFit, fit_projections, means_above


def _discs(densities, halo=0.0):
    """Discs of uniform density with a rim of `halo` times an unrelated amount about them."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-16:16, -16:16] + 0.5
    radius = np.hypot(x, y)
    rims = halo * rng.random(len(densities))
    return np.stack(
        [
            np.where(radius < 8, d, np.where(radius < 10, r, 0.0))
            for d, r in zip(densities, rims, strict=True)
        ]
    ).astype(np.float32)


def test_the_line_is_recovered_exactly_at_the_lowest_threshold():
    densities = np.linspace(300, 900, 12)
    fit = fit_projections(_discs(densities), list(0.001 * densities + 0.05))
    assert fit.threshold_mg_cm2 == pytest.approx(0.1 * densities.mean())
    assert (fit.slope, fit.intercept) == pytest.approx((0.001, 0.05))
    np.testing.assert_allclose(fit.bmd(_discs([450.0])), [0.5], rtol=1e-5)


def test_the_threshold_cuts_a_rim_that_has_nothing_to_do_with_bmd():
    densities = np.linspace(300, 900, 12)
    projections = _discs(densities, halo=200.0)
    fit = fit_projections(projections, list(0.001 * densities))
    assert fit.correlations[0] < 0.99
    assert fit.threshold_mg_cm2 > 0.9 * projections[projections < 250].max()
    assert fit.threshold_mg_cm2 <= 300
    assert max(fit.correlations) == pytest.approx(1.0)
    np.testing.assert_allclose(fit.bmd(projections), 0.001 * densities, rtol=1e-5)


def test_a_faint_background_of_a_prediction_changes_nothing():
    densities = np.linspace(300, 900, 12)
    fit = fit_projections(_discs(densities), list(0.001 * densities))
    faint = np.maximum(_discs(densities), np.float32(20.0))
    np.testing.assert_allclose(fit.bmd(faint), 0.001 * densities, rtol=1e-5)


def test_means_above_count_pixels_that_reach_the_threshold():
    image = np.array([[[0.0, 10.0], [20.0, 30.0]]])
    means, counts = means_above(image, np.array([0.0, 20.0, 31.0]))
    assert means[:, 0].tolist() == pytest.approx([20.0, 25.0, 0.0])
    assert counts[:, 0].tolist() == [3, 2, 0]


def test_implausible_projections():
    densities = np.linspace(300, 900, 12)
    fit = fit_projections(_discs(densities), list(densities))
    good = _discs([600.0])
    small = good.copy()
    small[:, :16] = 0
    flags = fit.implausible(np.concatenate([good, small, np.zeros_like(good), 3 * good]))
    assert flags.tolist() == [False, True, True, True]


def test_there_and_back_and_refusal():
    densities = np.linspace(300, 900, 6)
    fit = fit_projections(_discs(densities), list(densities))
    assert ProjectionFit.from_json(fit.to_json()) == fit
    with pytest.raises(ValueError, match="differ"):
        fit_projections(_discs(densities), [0.7] * 6)
