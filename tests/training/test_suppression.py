"""The combined loss, and a suppressor that learns to take a pattern away."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmdpipe.core.config.bone_suppression import (
    AdamConfig,
    SuppressionLossConfig,
    SuppressionTrainingConfig,
)
from bmdpipe.models.registry import build, names
from bmdpipe.training.structural import ms_ssim
from bmdpipe.training.suppression import (
    combined_loss,
    load_suppressor,
    save_suppressor,
    train_suppressor,
)


def pairs(n: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    soft = torch.nn.functional.interpolate(
        torch.rand(n, 1, 4, 4, generator=random), size=(32, 32), mode="bilinear"
    )
    bones = 0.2 * (torch.sin(torch.arange(32) * 1.3) > 0.5).float()[None, None, :, None]
    return torch.cat([(0.7 * soft + bones).clamp(0, 1), 0.7 * soft], dim=1)


def test_the_loss_is_84_parts_of_similarity_and_16_of_error() -> None:
    made, wanted = pairs(3).split(1, dim=1)
    network = build("convnet_bs_small", "suppressor")
    config = SuppressionLossConfig(l1={})
    told = combined_loss(network, config, 0.0)(made, wanted)
    similarity, error = ms_ssim(made, wanted).mean(), (made - wanted).abs().mean()
    assert float(told["combined"]) == pytest.approx(float(0.84 * (1 - similarity) + 0.16 * error))
    kernels = [p.detach() for n, p in network.named_parameters() if "weight" in n]
    weights = sum(float(kernel.abs().sum()) for kernel in kernels)
    more = combined_loss(network, config, 1e-3)(made, wanted)["combined"]
    assert float(more.detach()) == pytest.approx(float(told["combined"]) + 1e-3 * weights, rel=1e-5)


def test_a_suppressor_learns_and_comes_back_from_disk(tmp_path: Path) -> None:
    data = pairs(16)
    config = SuppressionTrainingConfig(
        epochs=12, batch_size=4, optimiser=AdamConfig(learning_rate=3e-3)
    )
    cases = [f"c{k}" for k in range(16)]
    trained, history = train_suppressor(
        "resnet_bs_small", cases, data, SuppressionLossConfig(), config, tmp_path / "state"
    )
    made = trained.suppressed(data[:, :1])
    before, after = ((x - data[:, 1:]).square().mean() for x in (data[:, :1], made))
    assert after < before / 2
    assert history[-1]["combined"] < history[0]["combined"]
    save_suppressor(tmp_path, trained, cases)
    torch.testing.assert_close(load_suppressor(tmp_path).suppressed(data[:, :1]), made)


@pytest.mark.parametrize("name", names("suppressor"))
def test_suppressors_keep_the_size_and_have_no_normalisation(name: str) -> None:
    network = build(name, "suppressor")
    kinds = {type(module).__name__ for module in network.modules()}
    assert not {kind for kind in kinds if "Norm" in kind}
    with torch.inference_mode():
        assert network(torch.rand(2, 1, 16, 24)).shape == (2, 1, 16, 24)
