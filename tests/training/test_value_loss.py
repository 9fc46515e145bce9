"""The density-balanced Huber loss, and that a value network learns by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from bmdpipe.core.config.ct_bmd import BalanceConfig, CtTrainingConfig, CtVariationConfig
from bmdpipe.core.config.supervised import OneCycleConfig
from bmdpipe.pairs.examples import Examples
from bmdpipe.training.value_loss import balanced_huber, density_weights
from bmdpipe.training.value_network import load_estimator, save_estimator, train_estimator

STILL = CtVariationConfig(rotation_deg=0, shift_fraction=0, scale=0, gain=0, mirror=False)


def test_a_rare_value_weighs_more() -> None:
    values = torch.tensor([0.9, 0.95, 1.0, 1.0, 1.05, 1.1, 2.0])
    weights = density_weights(values, BalanceConfig())
    assert weights.argmax() == 6
    assert float(weights.mean()) == pytest.approx(1.0)


def test_weights_do_not_depend_on_the_unit() -> None:
    values = torch.tensor([0.5, 0.7, 0.8, 1.3])
    first, second = (density_weights(v, BalanceConfig()) for v in (values, 1000 * values + 5))
    torch.testing.assert_close(first, second)


def test_without_power_or_spread_all_weigh_alike() -> None:
    values = torch.tensor([0.5, 0.7, 3.0])
    torch.testing.assert_close(density_weights(values, BalanceConfig(power=0)), torch.ones(3))
    torch.testing.assert_close(density_weights(torch.ones(3), BalanceConfig()), torch.ones(3))


def test_the_loss_is_the_weighted_mean_of_hubers() -> None:
    outputs, values, weights = (torch.tensor(v) for v in ([0.0, 3.0], [0.5, 0.0], [0.5, 1.5]))
    told = balanced_huber(BalanceConfig(delta_sd=1.0), 10.0)(
        outputs, torch.stack([values, weights], dim=1)
    )
    # 0.5 * 0.5^2 inside delta, 3 - 0.5 beyond it
    assert float(told["balanced_huber"]) == pytest.approx((0.5 * 0.125 + 1.5 * 2.5) / 2)
    assert float(told["mae"]) == pytest.approx(10.0 * 1.75)
    plain = functional.huber_loss(outputs, values)
    even = balanced_huber(BalanceConfig(), 1.0)(outputs, torch.stack([values, torch.ones(2)], 1))
    torch.testing.assert_close(even["balanced_huber"], plain)


def test_a_network_learns_brightness_and_comes_back_from_disk(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = random.uniform(50, 250, 48)
    images = values[:, None, None, None] / 300 + 0.02 * random.standard_normal((48, 1, 16, 16))
    names = tuple(f"s{k}" for k in range(48))
    examples = Examples(names, names, images.astype(np.float32), values, np.arange(48) % 4)
    config = CtTrainingConfig(
        epochs=25,
        optimiser=OneCycleConfig(learning_rate=3e-3),
        variation=STILL,
    )
    trained, _ = train_estimator(
        "preact_resnet_tiny", examples.training(0), config, BalanceConfig(), tmp_path / "state"
    )
    held = examples.held_out(0)
    told = trained.values(torch.from_numpy(held.inputs))
    assert np.corrcoef(told.numpy(), held.labels)[0, 1] > 0.95
    save_estimator(tmp_path, trained, names)
    again = load_estimator(tmp_path)
    torch.testing.assert_close(again.values(torch.from_numpy(held.inputs)), told)
