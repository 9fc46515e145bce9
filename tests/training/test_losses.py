import math

import pytest
import torch
from torch.nn import functional

from bmdpipe.training.losses import (
    adversarial_loss,
    feature_matching_loss,
    gradient_correlation,
    gradient_correlation_loss,
    sample_weights,
    weighted_l1_loss,
)


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_gradient_correlation_is_the_plain_formula():
    a, b = _random(2, 1, 9, 7), _random(2, 1, 9, 7, seed=1)
    for i in range(2):
        total = 0.0
        for axis in (0, 1):
            x, y = (image[i, 0].diff(dim=axis).flatten().double() for image in (a, b))
            total += float(torch.corrcoef(torch.stack([x, y]))[0, 1])
        assert gradient_correlation(a, b)[i] == pytest.approx(total / 2, abs=1e-5)


def test_gradient_correlation_ignores_scale_and_offset_and_sees_sign():
    a = _random(2, 1, 16, 16)
    assert gradient_correlation_loss(a, 3 * a + 5) == pytest.approx(0, abs=1e-5)
    assert gradient_correlation_loss(a, -a) == pytest.approx(2, abs=1e-5)


def test_gradient_correlation_of_an_empty_image_has_finite_gradients():
    made = torch.zeros(1, 1, 8, 8, requires_grad=True)
    gradient_correlation_loss(made, torch.zeros(1, 1, 8, 8)).backward()
    assert torch.isfinite(made.grad).all()


def test_adversarial_forms():
    features = [[_random(2, 3, 4, 4), _random(2, 1, 3, 3)], [_random(2, 1, 2, 2, seed=2)]]
    for real in (True, False):
        squares = sum(((s[-1] - float(real)) ** 2).mean() for s in features)
        torch.testing.assert_close(adversarial_loss(features, real, "least_squares"), squares)
        sign = 1 if real else -1
        logs = sum(-functional.logsigmoid(sign * s[-1]).mean() for s in features)
        torch.testing.assert_close(adversarial_loss(features, real, "logarithmic"), logs)


def test_feature_matching_weights_of_pix2pixhd():
    """Three scales of four feature layers (three of them strided) and scores: 4 / 4 / 3 each."""
    fake = [[_random(1, 2, 3, 3, seed=10 * s + k) for k in range(5)] for s in range(3)]
    real = [[_random(1, 2, 3, 3, seed=90 + 10 * s + k) for k in range(5)] for s in range(3)]
    plain = sum(
        4 / (3 + 1) / 3 * (fake[s][k] - real[s][k]).abs().mean() for s in range(3) for k in range(4)
    )
    torch.testing.assert_close(feature_matching_loss(fake, real), plain)


def test_feature_matching_moves_the_fake_alone():
    fake = [[torch.ones(1, requires_grad=True), torch.ones(1)]]
    real = [[torch.zeros(1, requires_grad=True), torch.ones(1)]]
    feature_matching_loss(fake, real).backward()
    assert fake[0][0].grad is not None
    assert real[0][0].grad is None


def test_sample_weights_by_hand():
    """Mean 0.8, distances 0.2, 0.1, 0, 0.3: from 1.5 at the nearest down to 0.5 at the farthest."""
    weights = sample_weights(torch.tensor([0.6, 0.7, 0.8, 1.1]))
    torch.testing.assert_close(weights, torch.tensor([1.5 - 2 / 3, 1.5 - 1 / 3, 1.5, 0.5]))
    torch.testing.assert_close(sample_weights(torch.tensor([0.5, 0.9])), torch.ones(2))


def test_weighted_l1():
    loss = weighted_l1_loss(
        torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]), torch.tensor([0.5, 1.5])
    )
    assert math.isclose(float(loss), (0.5 * 1 + 1.5 * 2) / 2)
