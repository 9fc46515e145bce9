import pytest
import torch

from bmdpipe.core.config.training import OptimiserConfig
from bmdpipe.training.schedule import adamw, rate_factor, step


def test_it_is_torchs_cosine_with_warm_restarts():
    config = OptimiserConfig(first_cycle_epochs=3, cycle_factor=2)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, T_0=3, T_mult=2)
    for i in range(1, 80):
        optimiser.step()
        reference.step(i / 4)
        assert rate_factor(i / 4, i, 100, config) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_one_cycle_without_restarts():
    config = OptimiserConfig(first_cycle_epochs=None)
    assert rate_factor(0, 0, 8, config) == pytest.approx(1)
    assert rate_factor(4, 40, 8, config) == pytest.approx(0.5)


def test_warm_up_is_linear():
    config = OptimiserConfig(first_cycle_epochs=None, warmup_steps=4)
    assert [rate_factor(0, i, 8, config) for i in range(5)] == pytest.approx(
        [0.25, 0.5, 0.75, 1, 1]
    )


def test_the_papers_optimiser_is_the_default():
    group = adamw([torch.nn.Parameter(torch.zeros(1))], OptimiserConfig()).param_groups[0]
    assert (group["lr"], group["betas"], group["weight_decay"]) == (6e-5, (0.5, 0.999), 1e-2)


def test_gradients_are_clipped():
    parameter = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    step(torch.optim.SGD([parameter], lr=1.0), parameter.square().sum() / 2, clip_norm=1.0)
    torch.testing.assert_close(parameter.grad, torch.tensor([0.6, 0.8]))
