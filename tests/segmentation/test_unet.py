"""The network has the published shape, and its dropout follows the generator alone."""

from __future__ import annotations

import pytest
import torch

from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.core.device import pick_device
from bmdpipe.segmentation.networks import as_input, build
from bmdpipe.segmentation.prediction import monte_carlo
from bmdpipe.segmentation.unet import UNet, mc_dropout

SMALL = SegmentationNetwork(depth=3, base_filters=4, dropout=0.5, matrix_px=(16, 16))


def expected_parameters(classes: int, depth: int, base: int) -> int:
    """By hand: 3x3 convolutions without bias, normalisation 2 per filter, 2x2 up with bias."""

    def block(inputs: int, outputs: int) -> int:
        return 9 * inputs * outputs + 2 * outputs + 9 * outputs * outputs + 2 * outputs

    total = block(1, base)
    for level in range(1, depth):
        above, here = base * 2 ** (level - 1), base * 2**level
        total += block(above, here) + (4 * here * above + above) + block(2 * above, above)
    return total + base * classes + classes


@pytest.mark.parametrize(("depth", "base"), [(2, 4), (4, 8), (5, 32)])
def test_parameters_are_those_of_the_formula(depth: int, base: int) -> None:
    net = UNet(3, depth, base, 0.5)
    assert sum(p.numel() for p in net.parameters()) == expected_parameters(3, depth, base)


def test_the_paper_network_has_512_filters_at_the_bottom() -> None:
    net = UNet(3, 5, 32, 0.5)
    bottom = net.down[-1].layers[3]
    assert isinstance(bottom, torch.nn.Conv2d)
    assert bottom.out_channels == 512


@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 24)])
def test_logits_keep_the_size_of_the_slice(height: int, width: int) -> None:
    net = build(SMALL, 3, seed=0).eval()
    assert net(torch.rand(2, 1, height, width)).shape == (2, 3, height, width)


def test_weights_follow_the_seed_and_leave_global_chance_alone() -> None:
    before = torch.get_rng_state()
    one, two, other = (build(SMALL, 3, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["head.weight"], other["head.weight"])


@pytest.mark.parametrize("share", [0.25, 0.5])
@pytest.mark.parametrize("channels_last", [False, True])
def test_dropout_drops_its_share_and_keeps_the_mean(share: float, channels_last: bool) -> None:
    ones = torch.ones(3, 8, 101, 103)
    if channels_last:
        ones = ones.contiguous(memory_format=torch.channels_last)
    dropped = mc_dropout(ones, share, torch.Generator().manual_seed(0))
    n = ones.numel()
    assert abs((dropped == 0).float().mean().item() - share) < 5 * (share * (1 - share) / n) ** 0.5
    kept = dropped[dropped > 0]
    assert torch.allclose(kept, torch.tensor(1 / (1 - share)))


def test_dropout_is_off_without_a_generator() -> None:
    values = torch.rand(2, 3, 4, 4)
    assert mc_dropout(values, 0.5, None) is values
    assert mc_dropout(values, 0.0, torch.Generator()) is values


def run(seed: int, passes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    net = build(SMALL, 3, seed=0).eval()
    slices = torch.rand(2, 16, 16, generator=torch.Generator().manual_seed(9))
    return monte_carlo(net, as_input(SMALL, slices), passes, torch.Generator().manual_seed(seed))


def test_passes_differ_but_repeat_with_the_seed() -> None:
    mean, variance = run(seed=1)
    assert variance.mean() > 0
    assert torch.equal(mean, run(seed=1)[0])
    assert torch.equal(variance, run(seed=1)[1])
    assert not torch.equal(mean, run(seed=2)[0])


@pytest.mark.parametrize("passes", [1, 2, 7])
def test_mean_and_variance_are_those_of_the_single_passes(passes: int) -> None:
    net = build(SMALL, 3, seed=0).eval()
    slices = torch.rand(2, 16, 16, generator=torch.Generator().manual_seed(9))
    generator = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        single = torch.stack([net(slices[:, None], generator).softmax(1) for _ in range(passes)])
    mean, variance = run(seed=5, passes=passes)
    torch.testing.assert_close(mean, single.mean(0))
    torch.testing.assert_close(variance, single.var(0, correction=0).mean(1), atol=1e-6, rtol=1e-4)
    assert variance.min() >= 0
    assert variance.max() <= 0.25
    torch.testing.assert_close(mean.sum(1), torch.ones(2, 16, 16))


def test_device_of_the_config() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
