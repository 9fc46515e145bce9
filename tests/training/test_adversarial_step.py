"""One step of decomposition beside the gradients that the losses' definition asks for."""

from pathlib import Path

import torch
from torch.nn import functional

from bmdpipe.core.config.training import DecompositionConfig
from bmdpipe.core.epochs import Frame
from bmdpipe.models.discriminator import MultiScaleDiscriminator
from bmdpipe.models.registry import build
from bmdpipe.training.decomposition import adversarial_step
from bmdpipe.training.losses import (
    adversarial_loss,
    feature_matching_loss,
    gradient_correlation_loss,
)

FRAME = Frame("stage_two", Path(), torch.device("cpu"), False, 0, 1)
CONFIG = DecompositionConfig()


def _networks():
    torch.manual_seed(0)
    return build("resnet_tiny", "generator"), MultiScaleDiscriminator(scales=2, filters=4, layers=2)


def _pair():
    random = torch.Generator().manual_seed(1)
    return torch.randn(2, 1, 32, 16, generator=random), torch.rand(2, 1, 32, 16, generator=random)


def test_every_weight_of_both_networks_moves():
    networks, (radiograph, true) = _networks(), _pair()
    optimisers = [torch.optim.SGD(network.parameters(), lr=0.1) for network in networks]
    before = [{k: v.clone() for k, v in network.named_parameters()} for network in networks]
    adversarial_step(*networks, radiograph, true, *optimisers, CONFIG, FRAME)
    for network, old in zip(networks, before, strict=True):
        unmoved = [k for k, v in network.named_parameters() if torch.equal(v, old[k])]
        assert not unmoved


def test_both_gradients_are_those_of_their_own_loss():
    """Each loss written out with forward passes of its own, on the weights before the step."""
    radiograph, true = _pair()
    generator, judge = _networks()
    fake = generator(radiograph)
    real, judged = judge(radiograph, true), judge(radiograph, fake)
    (
        100 * functional.l1_loss(fake, true)
        + gradient_correlation_loss(fake, true)
        + adversarial_loss(judged, True, "least_squares")
        + 10 * feature_matching_loss(judged, real)
    ).backward()
    judge.zero_grad()
    rejected = judge(radiograph, fake.detach())
    real = judge(radiograph, true)
    loss = adversarial_loss(real, True, "least_squares")
    ((loss + adversarial_loss(rejected, False, "least_squares")) / 2).backward()

    networks = _networks()
    optimisers = [torch.optim.SGD(network.parameters(), lr=0.0) for network in networks]
    adversarial_step(*networks, radiograph, true, *optimisers, CONFIG, FRAME)
    for expected, found in zip((generator, judge), networks, strict=True):
        for a, b in zip(expected.parameters(), found.parameters(), strict=True):
            torch.testing.assert_close(b.grad, a.grad, rtol=1e-4, atol=1e-6)
