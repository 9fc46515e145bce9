"""The example of docs/extending.md is a backbone as it stands there."""

import re
import sys
from pathlib import Path

import pytest
import torch

from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.errors import UsageError
from bmdpipe.models import registry
from bmdpipe.models.registry import Entry
from bmdpipe.models.regression import RegressionHead, RegressionNetwork

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture
def plain(tmp_path, monkeypatch):
    """The page's module at its place in the package, and the page's entry in the registry."""
    module, entry = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "plain.py").write_text(module, encoding="utf-8")
    package = sys.modules["bmdpipe.models"]
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    added = eval(entry, {"Entry": Entry})
    monkeypatch.setitem(registry.MODELS, added.name, added)
    yield added
    sys.modules.pop("bmdpipe.models.plain", None)


def test_the_pages_backbone_is_built_by_name_and_regressed_on(plain):
    generator = registry.build(plain.name, "generator")
    image = torch.randn(2, 1, 32, 16)
    assert generator(image).shape == image.shape
    assert generator.encode(image).shape == (2, generator.representation_channels, 8, 4)
    generator(image).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in generator.parameters())
    head = RegressionHead(generator.representation_channels, (8, 4), (8, 8), (1, 1), 4)
    assert RegressionNetwork(generator, head)(image).shape == (2,)


def test_the_pages_backbone_refuses_what_does_not_fit(plain):
    with pytest.raises(UsageError, match="multiples of 4"):
        registry.check_size(plain.name, (18, 32))
    with pytest.raises(ValueError, match="multiple of 4"):
        registry.build(plain.name, "generator")(torch.zeros(1, 1, 30, 16))


def test_the_config_takes_any_name_of_the_registry(plain):
    assert Decomposer(backbone=plain.name).backbone == plain.name
