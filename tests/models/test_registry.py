"""What holds for every registered model, so that a new one is tested for free."""

import pytest
import torch
from safetensors.torch import load, save

from bmdpipe.core.errors import UsageError
from bmdpipe.core.provenance import import_closure
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

TESTED = [name for name in MODELS if not name.startswith("timm_")]
"""timm's own need an extra; tests of the training compare them with ours."""
WIDE = ("resnet", "vgg16", "vgg16_cxr", "resnet_bs", "convnet_bs", "rl_bs", "densenet121")
SMALL_TOO = [name for name in TESTED if name not in WIDE]
TO_IMAGE = ("generator", "suppressor")
REFUSING = [name for name in TESTED if MODELS[name].multiple > 1]


def _image(name, n=2, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 1, *_size(name), generator=generator).to(dtype)


def _size(name):
    kind, multiple = MODELS[name].kind, MODELS[name].multiple
    if kind == "volume_network":
        return (24, 28, 26)
    if kind == "classifier":
        return (64, 32)
    return (max(4 * multiple, 32), max(2 * multiple, 16))


def _build(name):
    sizes = {"size": _size(name)} if name == "logistic" else {}
    return build(name, MODELS[name].kind, **sizes).eval()


def _shape(name, image):
    kind = MODELS[name].kind
    if kind in TO_IMAGE:
        return image.shape
    return (len(image), 2) if kind in ("classifier", "volume_network") else (len(image),)


@pytest.fixture(params=TESTED)
def name(request):
    return request.param


@pytest.fixture
def network(name):
    torch.manual_seed(0)
    return _build(name)


def test_shape(name, network):
    image = _image(name)
    with torch.inference_mode():
        assert network(image).shape == _shape(name, image)


def test_every_parameter_gets_a_gradient(name, network):
    network(_image(name)).square().mean().backward()
    dead = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not dead


def test_a_case_does_not_depend_on_its_batch(name, network):
    image = _image(name, 3)
    with torch.inference_mode():
        together, alone = network(image)[1:2], network(image[1:2])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SMALL_TOO)
def test_bfloat16(name):
    network = _build(name)
    image = _image(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = network(image)
    # A suppressor may add its result to the image, which is not rounded.
    assert made.dtype == torch.bfloat16 or MODELS[name].kind == "suppressor"
    assert torch.isfinite(made).all()


def test_weights_there_and_back(name, network):
    weights = load(save({k: v.contiguous() for k, v in network.state_dict().items()}))
    other = _build(name)
    other.load_state_dict(weights)
    image = _image(name, 1)
    with torch.inference_mode():
        torch.testing.assert_close(other(image), network(image), rtol=0, atol=0)


@pytest.mark.parametrize("name", REFUSING)
def test_odd_sizes_are_refused(name):
    network, multiple = _build(name), MODELS[name].multiple
    with pytest.raises(ValueError, match="multiple"):
        network(torch.zeros(1, 1, 4 * multiple + 1, 2 * multiple))
    with pytest.raises(UsageError, match="multiple"):
        check_size(name, (2 * multiple + 1, 4 * multiple))
    check_size(name, (2 * multiple, 4 * multiple))


@pytest.mark.parametrize("name", names("generator"))
def test_the_representation_has_the_size_that_the_generator_states(name):
    generator = build(name, "generator")
    image = _image(name)
    with torch.inference_mode():
        representation = generator.encode(image)
        torch.testing.assert_close(generator.decode(representation), generator(image))
    height, width = image.shape[-2:]
    assert representation.shape == (
        len(image),
        generator.representation_channels,
        height // generator.stride,
        width // generator.stride,
    )
    assert generator.multiple == MODELS[name].multiple


def test_the_papers_resnet_has_pix2pixhds_size():
    """Channels 64 to 512, nine blocks of two 3x3 convolutions, counted by hand."""
    convolutions = 49 * 64 + 9 * (64 * 128 + 128 * 256 + 256 * 512) * 2 + 9 * 2 * 9 * 512**2
    norms = 2 * (64 + 2 * (128 + 256) + 512 + 9 * 2 * 512 + 64)
    last = 49 * 64 + 1
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
    assert not {module_of(name) for name in MODELS} & import_closure("bmdpipe.models.registry")
