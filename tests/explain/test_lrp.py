"""Relevance and FullGrad: conserved through whole networks, and the published rules."""

from __future__ import annotations

import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.explain.fullgrad import full_gradient
from bmdpipe.explain.lrp import relevance
from bmdpipe.explain.question import Chosen
from bmdpipe.models.generator import Generator
from bmdpipe.models.registry import MODELS, build, names
from bmdpipe.models.regression import RegressionHead, RegressionNetwork
from tests.explain.test_methods import CLASSIFIERS, case

FIRST = Chosen(torch.tensor([1, 0]))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_relevance_is_conserved_and_fullgrad_complete(name: str) -> None:
    model, x = case(name)
    assert float(relevance(model, x, FIRST).leak.max()) < 1e-5
    assert float(relevance(model, x, FIRST, dense_rule="positive").leak.max()) < 1e-5
    full = full_gradient(model, x, FIRST)
    torch.testing.assert_close(full.total, full.output, rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(full.output, FIRST(model(x)).detach())


@pytest.mark.parametrize("name", names("volume_network"))
def test_relevance_of_an_empty_background_is_conserved_in_single_precision(name: str) -> None:
    model, x = case(name)
    x = x.float()
    x[:, :, :4] = 0
    assert float(relevance(model.float(), x, FIRST).leak.max()) < 0.01


TINY = [n for n in names("region_regressor") + names("generator") if n.endswith("_tiny")]


@pytest.mark.parametrize("name", TINY)
def test_regressions_of_the_hip_study_are_conserved(name: str) -> None:
    """The tiny ones stand for the larger of their class. HRFormer pads its windows with constants,
    which keep a share of the relevance: its leak is told beside every map, and not bounded here."""
    torch.manual_seed(0)
    entry = MODELS[name]
    if entry.kind == "generator":
        generator = build(name, "generator")
        assert isinstance(generator, Generator)
        stride = generator.stride
        side = 2 * max(generator.multiple, 16)
        head = RegressionHead(
            generator.representation_channels, (side // stride,) * 2, (16, 16), (1, 1), 8
        )
        model: nn.Module = RegressionNetwork(generator, head).double().eval()
    else:
        model, side = build(name, entry.kind).double().eval(), 32
    x = torch.randn(2, 1, side, side, dtype=torch.float64)
    if name != "hrformer_tiny":
        assert float(relevance(model, x).leak.max()) < 1e-5
    full = full_gradient(model, x)
    torch.testing.assert_close(full.total, full.output, rtol=1e-7, atol=1e-10)


def toy(bias: bool = True) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=bias), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 2, bias=bias), nn.ReLU(), nn.Flatten(), nn.Linear(20, 3, bias=bias),
    ).double()  # fmt: skip
    return model, torch.rand(2, 1, 8, 8, dtype=torch.float64)


@pytest.mark.parametrize(
    ("rule", "theirs"), [("epsilon", EpsilonRule), ("positive", Alpha1_Beta0_Rule)]
)
def test_both_rules_are_captums(rule: str, theirs: type) -> None:
    """Without biases, which captum lets keep a share of the relevance."""
    model, x = toy(bias=False)
    if rule == "positive":
        # captum's rule keeps positive weights only, which is the rule for layers that have some.
        with torch.no_grad():
            model[-1].weight.abs_()
    ours = relevance(model, x, FIRST, rule=rule, dense_rule=rule).image  # type: ignore[arg-type]
    for module in model:
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.rule = theirs()
        elif isinstance(module, nn.Flatten):
            module.rule = EpsilonRule()
    captum = LRP(model).attribute(x.requires_grad_(True), target=[1, 0]).detach()
    torch.testing.assert_close(ours, captum, rtol=1e-4, atol=1e-6)
    assert float(captum.abs().max()) > 1e-3


def test_a_residual_sum_shares_by_size() -> None:
    class Residual(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x + 3 * x).flatten(1)[:, 0]

    found = relevance(Residual(), torch.full((1, 1, 1, 1), 2.0))
    assert float(found.image.sum()) == pytest.approx(8.0)

    class Apart(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, 0] - 3 * x[:, 1]

    shares = relevance(Apart(), torch.tensor([[2.0, 1.0]])).image[0]
    # |2| and |3| of the output -1
    torch.testing.assert_close(shares, torch.tensor([-0.4, -0.6]))


def test_fullgrad_of_a_bias_is_its_parameters_gradient() -> None:
    model, x = toy()
    full = full_gradient(model, x[:1], Chosen(torch.tensor([1])))
    model.zero_grad()
    model(x[:1])[0, 1].backward()
    biases = [m.bias for m in model if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(full.biases) == len(biases)
    for found, bias in zip(full.biases, biases, strict=True):
        assert bias is not None
        assert bias.grad is not None
        by_channel = found.sum(dim=(0, *range(2, found.ndim)))
        torch.testing.assert_close(by_channel, bias * bias.grad)
    assert full.map().shape == (1, 8, 8)


def test_fullgrad_counts_a_parameter_that_is_added_as_a_bias() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = (nn.Parameter(torch.full((1, 2, 2), v)) for v in (3.0, 5.0))

        def forward(self, x: Tensor) -> Tensor:
            return (torch.relu(self.up + x) - (self.down - 2 * x)).sum(dim=(1, 2, 3))

    x = torch.rand(1, 1, 2, 2)
    full = full_gradient(Shifted(), x)
    torch.testing.assert_close(full.image, 3 * x)
    torch.testing.assert_close(full.total, full.output)
    assert float(full.output) == pytest.approx(float((3 * x - 2).sum()))


def test_what_has_no_rule_is_refused() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fft.rfft(x.flatten(1)).abs().sum(dim=1)

    with pytest.raises(ValueError, match="no rule is known for the operation"):
        relevance(Odd(), torch.rand(1, 1, 4, 4))

    class Probability(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return functional.softmax(x.flatten(1), dim=1)[:, 0]

    with pytest.raises(ValueError, match="explain the logit"):
        relevance(Probability(), torch.rand(1, 1, 4, 4))
