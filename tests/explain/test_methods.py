"""Activation maps, guided gradients and removal against captum, the formulas and brute force."""

from __future__ import annotations

import pytest
import torch
from captum.attr import GuidedBackprop, LayerGradCam
from torch import Tensor, nn

from bmdpipe.core.config.explain import MapMethod
from bmdpipe.explain.gradcam import grad_cam, grad_cam_pp
from bmdpipe.explain.methods import METHODS, draw_maps
from bmdpipe.explain.question import Chosen, Question
from bmdpipe.explain.removal import removal_relevance
from bmdpipe.explain.titles import TITLES
from bmdpipe.models.registry import MODELS, build
from bmdpipe.models.residual_net import BasicBlock

CLASSIFIERS = [
    n
    for n, e in MODELS.items()
    if e.kind in ("classifier", "volume_network") and not n.startswith("timm_")
]
SMALL = ["resnet_short", "volume_cnn_small", "volume_resnet", "volume_densenet"]
SHAPES = {"classifier": (1, 40, 33), "volume_network": (1, 12, 10, 9)}


def case(name: str) -> tuple[nn.Module, Tensor]:
    """A network in double precision whose batch statistics are those of some images, and two."""
    entry = MODELS[name]
    shape = SHAPES[entry.kind]
    torch.manual_seed(0)
    sizes = {"size": shape[1:]} if name == "logistic" else {}
    model = build(name, entry.kind, outputs=3, **sizes).double()
    with torch.no_grad():
        for _ in range(3):
            model.train()(torch.randn(4, *shape, dtype=torch.float64))
        for key, value in model.named_parameters():
            if key.endswith("bias"):  # zeros would hide a bias that is lost
                value.add_(0.1 * torch.randn_like(value))
    x = torch.randn(2, *shape, dtype=torch.float64)
    return model.eval(), x


def question(name: str) -> Question:
    model, x = case(name)
    return Question(model, MODELS[name].layer, x, Chosen(torch.tensor([0, 2])))


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.parametrize("name", SMALL)
def test_grad_cam_is_captums(name: str) -> None:
    asked = question(name)
    assert asked.layer is not None
    theirs = LayerGradCam(asked.model, asked.model.get_submodule(asked.layer)).attribute(
        asked.x, target=[0, 2], relu_attributions=True
    )
    torch.testing.assert_close(grad_cam(asked.response), theirs[:, 0].detach())
    assert float(theirs.abs().max()) > 0


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
@pytest.mark.parametrize("name", ["resnet_short", "volume_cnn_small"])
def test_guided_gradients_are_captums(name: str) -> None:
    asked = question(name)
    model, _ = case(name)
    # captum's hooks need rectifiers that are modules, work out of place, and run once each.
    if name == "resnet_short":
        model = functional_free(model)
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    theirs = GuidedBackprop(model).attribute(asked.x.requires_grad_(True), target=[0, 2])
    torch.testing.assert_close(asked.guided, theirs.detach())


def functional_free(model: nn.Module) -> nn.Module:
    """Rectifiers that a residual block uses twice, as modules of their own."""
    for block in [m for m in model.modules() if isinstance(m, BasicBlock)]:
        block.add_module("again", nn.ReLU())
        block.forward = lambda x, b=block: b.again(  # type: ignore[method-assign]
            b.bn2(b.conv2(b.relu(b.bn1(b.conv1(x))))) + b.downsample(x)
        )
    return model


def test_grad_cam_pp_is_the_formula_with_derivatives_by_autograd() -> None:
    """Chattopadhay 2018, eq. 10 and 12 for Y = exp(S), each derivative by differentiation."""
    torch.manual_seed(3)
    features = torch.rand(1, 4, 3, 2, dtype=torch.float64)
    weight = torch.randn(4, 3, 2, dtype=torch.float64)

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return (self.layer(x) * weight).sum(dim=(1, 2, 3))

    asked = Question(Head(), "layer", features)
    found = grad_cam_pp(asked.response)[0]
    a = features.clone().requires_grad_(True)
    y = torch.exp((a * weight).sum())
    (first,) = torch.autograd.grad(y, a, create_graph=True)
    expected = torch.zeros(3, 2, dtype=torch.float64)
    for k in range(4):
        w = 0.0
        for i in range(3):
            for j in range(2):
                one = first[0, k, i, j]
                two = torch.autograd.grad(one, a, create_graph=True)[0][0, k, i, j]
                three = torch.autograd.grad(two, a, retain_graph=True)[0][0, k, i, j]
                alpha = two / (2 * two + features[0, k].sum() * three)
                w = w + alpha * torch.relu(one)
        expected += w.detach() * features[0, k]
    torch.testing.assert_close(found * y.detach(), torch.relu(expected))
    assert float(found.max()) > 0


@pytest.mark.parametrize("name", ["resnet_short", "volume_resnet"])
def test_crm_is_brute_force_removal(name: str) -> None:
    """For a mean over places and a dense layer, removing a place changes the class scores by
    w f / places (Kim 2019)."""
    model, x = case(name)
    entry = MODELS[name]
    assert entry.layer is not None
    assert entry.head is not None
    found = removal_relevance(model, entry.layer, x)
    features = Question(model, entry.layer, x, Chosen(torch.tensor([0]))).response.features
    w = model.get_submodule(entry.head).weight.detach()
    change = torch.einsum("kc,nc...->nk...", w, features) / features[0, 0].numel()
    torch.testing.assert_close(found, (change**2).sum(dim=1))
    layer = model.get_submodule(entry.layer)
    place = (0,) * (features.ndim - 2)

    def without(_m: nn.Module, _i: tuple, result: Tensor) -> Tensor:
        result = result.clone()
        result[(slice(None), slice(None), *place)] = 0
        return result

    whole = model(x).detach()
    handle = layer.register_forward_hook(without)
    less = model(x).detach()
    handle.remove()
    torch.testing.assert_close(found[(slice(None), *place)], ((less - whole) ** 2).sum(dim=1))


@pytest.mark.parametrize("name", [n for n in CLASSIFIERS if n not in ("resnet18", "densenet121")])
def test_every_model_carries_what_it_can(name: str) -> None:
    asked = question(name)
    cheap: list[MapMethod] = [m for m in METHODS if m != "crm" or name in SMALL]
    maps, reasons = draw_maps(asked, cheap)
    for each in maps.values():
        assert each.shape == (2, *asked.x.shape[2:])
        assert bool((each >= 0).all())
        assert bool(torch.isfinite(each).all())
    expected = set()
    if asked.layer is None:
        expected = {m for m in METHODS if m not in ("lrp", "full_grad")} - {"crm"}
        assert "no feature maps" in reasons["grad_cam"]
    elif name == "efficientnet_b0":
        expected = {"guided", "guided_grad_cam_pp"}
    assert set(reasons) == expected


def test_every_method_has_a_title_and_leaves_the_model_alone() -> None:
    assert set(TITLES) == set(METHODS)
    asked = question("volume_cnn_small")
    asked.model.train()
    before = {k: v.clone() for k, v in asked.model.state_dict().items()}
    draw_maps(asked, METHODS)
    assert asked.model.training
    assert all(p.requires_grad for p in asked.model.parameters())
    for key, value in asked.model.state_dict().items():
        assert torch.equal(value, before[key])
