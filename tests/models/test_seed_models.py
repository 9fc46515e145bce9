"""The networks of seeds 000 and 001 have the layers that the seeds tell."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from bmdpipe.models.registry import build


def filters(network: nn.Module) -> list[int]:
    return [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]


def test_preact_resnet_has_22_weighted_layers() -> None:
    network = build("preact_resnet22", "value_network")
    deep = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(deep) + 1 == 22
    assert [m.out_channels for m in deep[2::4]] == [16, 16, 32, 64, 128]
    assert network(torch.rand(2, 1, 32, 32)).shape == (2,)


def test_suppressors_have_the_seeds_filters() -> None:
    assert filters(build("convnet_bs", "suppressor")) == [16, 32, 64, 128, 256, 512, 1]
    assert filters(build("rl_bs", "suppressor")) == [8, 16, 32, 64, 128, 256, 512, 1]
    assert filters(build("ae_bs", "suppressor"))[:3] == [16, 32, 64]
    assert filters(build("resnet_bs", "suppressor")) == [64] * 34 + [1]


def test_a_fresh_residual_block_is_near_the_identity() -> None:
    network = build("resnet_bs", "suppressor")
    x = torch.rand(1, 64, 8, 8)
    block = network.get_submodule("blocks.0")
    assert (block(x) - x).abs().max() < 0.5 * x.abs().max()


def test_vgg16_is_named_as_in_torchvision_and_cut_at_its_last_convolution() -> None:
    network = build("vgg16_cxr", "classifier", channels=3, outputs=2)
    convolutions = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    assert convolutions == [f"features.{k}" for k in places]
    assert isinstance(network.get_submodule("features")[-1], nn.ReLU)  # type: ignore[index]
    assert network.get_submodule("dropout").p == 0.5  # type: ignore[union-attr]


def test_a_classs_logit_is_the_mean_of_the_places_that_speak_most_for_it() -> None:
    torch.manual_seed(0)
    network = build("vgg_evidence", "classifier", outputs=2).eval()
    x = torch.rand(3, 1, 64, 56)
    with torch.no_grad():
        features = network.get_submodule("features")(x)
        maps = network.get_submodule("evidence")(features).flatten(2).numpy()
        found = network(x).numpy()
    assert maps.shape[2] == 8 * 7
    highest = np.sort(maps, axis=2)[:, :, -11:]  # a fifth of the places
    np.testing.assert_allclose(found, highest.mean(axis=2), rtol=1e-5)
