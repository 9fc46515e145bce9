"""What holds for every registered model, so that a new one is tested for free."""

import pytest
import torch
from safetensors.torch import load, save

from bmdpipe.core.code import Code
from bmdpipe.core.errors import UsageError
from bmdpipe.models.registry import (
    MODELS,
    Entry,
    build,
    check_size,
    entry_of,
    module_of,
    names,
    table,
)

IMAGE_MODELS = names("generator") + names("region_regressor")
FULL_SIZE = ("resnet", "hrnet", "daformer", "hrformer", "vgg16")


def _image(name, n=2):
    multiple = MODELS[name].multiple
    width, height = max(multiple, 16), max(2 * multiple, 32)
    return torch.randn(n, 1, height, width, generator=torch.Generator().manual_seed(0))


def _fresh(name, seed=0):
    torch.manual_seed(seed)
    return build(name, MODELS[name].kind)


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.long) if name in FULL_SIZE else name
        for name in IMAGE_MODELS
    ],
    scope="module",
)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    return _fresh(name).eval()


def test_shape_also_of_a_single_image(name, network):
    for n in (1, 2):
        image = _image(name, n)
        with torch.inference_mode():
            made = network(image)
        assert made.shape == (image.shape if MODELS[name].kind == "generator" else (n,))


def test_every_parameter_gets_a_gradient(network, name):
    network.zero_grad()
    network(_image(name)).square().mean().backward()
    dead = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not dead
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_a_case_does_not_depend_on_its_batch(name, network):
    image = _image(name, 3)
    with torch.inference_mode():
        together, alone = network(image)[1:2], network(image[1:2])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_channels_last_changes_nothing(name, network):
    image = _image(name)
    other = _fresh(name).eval().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        torch.testing.assert_close(
            other(image.to(memory_format=torch.channels_last)),
            network(image),
            rtol=1e-4,
            atol=1e-4,
        )


def test_bfloat16_is_near_float32_and_trains(name, network):
    image = _image(name)
    network.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = network(image)
    assert made.dtype == torch.bfloat16
    made.float().square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())
    with torch.inference_mode():
        exact = network(image)
    # An accumulation of roundings of 2^-9 over some dozens of layers.
    error = (made.detach().float() - exact).square().mean().sqrt()
    assert error < 0.1 * exact.square().mean().sqrt()


def test_weights_there_and_back(name, network):
    weights = load(save({k: v.contiguous() for k, v in network.state_dict().items()}))
    other = _fresh(name, seed=1).eval()
    other.load_state_dict(weights)
    image = _image(name, 1)
    with torch.inference_mode():
        torch.testing.assert_close(other(image), network(image), rtol=0, atol=0)


def test_the_seed_alone_decides_on_the_weights(name, network):
    states = [_fresh(name, seed).state_dict() for seed in (0, 1)]
    own = network.state_dict()
    assert all(torch.equal(own[key], states[0][key]) for key in own)
    assert any(not torch.equal(own[key], states[1][key]) for key in own)


def test_odd_sizes_are_refused(name, network):
    multiple = MODELS[name].multiple
    with pytest.raises(ValueError, match="multiple"):
        network(torch.zeros(1, 1, 4 * multiple + 1, 2 * multiple))
    with pytest.raises(UsageError, match="multiple"):
        check_size(name, (2 * multiple + 1, 4 * multiple))
    check_size(name, (2 * multiple, 4 * multiple))


def test_the_halves_of_a_generator_are_the_whole(name, network):
    if MODELS[name].kind != "generator":
        return
    image = _image(name)
    with torch.inference_mode():
        torch.testing.assert_close(network.decode(network.encode(image)), network(image))
    assert network.multiple == MODELS[name].multiple
    assert network.stride == 4


def test_the_papers_resnet_has_pix2pixhds_size():
    """Channels 64 to 512, nine blocks of two 3x3 convolutions, counted by hand."""
    convolutions = 49 * 64 + 9 * (64 * 128 + 128 * 256 + 256 * 512) * 2 + 9 * 2 * 9 * 512**2
    norms = 2 * (64 + 2 * (128 + 256) + 512 + 9 * 2 * 512 + 64)
    last = 49 * 64 + 1
    with torch.device("meta"):
        found = sum(p.numel() for p in build("resnet", "generator").parameters())
    assert found == convolutions + norms + last


def test_a_name_cannot_be_given_twice():
    with pytest.raises(ValueError, match="two models"):
        table([Entry("a", "generator", "x:Y"), Entry("a", "generator", "x:Z")])


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="resnet_small"):
        entry_of("resnet_smal", "generator")
    with pytest.raises(UsageError):
        entry_of("vgg16", "generator")


def test_the_registry_imports_no_model():
    assert not {module_of(name) for name in MODELS} & Code().closure("bmdpipe.models.registry")
