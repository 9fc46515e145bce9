"""The loop of the companion studies: it learns, resumes bit by bit, and is saved and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bmdpipe.core.config.supervised import OneCycleConfig, SupervisedConfig, VariationConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.models.pretrained import take_over
from bmdpipe.models.registry import build
from bmdpipe.pairs.examples import Examples, read_examples, write_examples
from bmdpipe.training.classify import load_classifier, save_classifier, train_classifier
from bmdpipe.training.supervised import class_weights

OPTIMISER = OneCycleConfig(learning_rate=0.02)
CONFIG = SupervisedConfig(
    epochs=6, batch_size=8, optimiser=OPTIMISER, checkpoint_every_epochs=3,
    variation=VariationConfig(rotation_deg=5, mirror=True),
)  # fmt: skip
SHAPES = {"resnet_short": (1, 16, 12), "volume_cnn_small": (1, 8, 8, 8)}


def examples(shape: tuple[int, ...], n: int = 24) -> Examples:
    """The second class is bright in the middle."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 2
    inputs = random.standard_normal((n, *shape)).astype(np.float32)
    middle = tuple(slice(s // 4, 3 * s // 4) for s in shape[1:])
    inputs[(labels == 1, slice(None), *middle)] += 1.5
    names = tuple(f"c{i}" for i in range(n))
    return Examples(names, names, inputs, labels.astype(float), np.arange(n) // 2 % 3)


@pytest.mark.parametrize("model", SHAPES)
def test_it_learns_and_comes_back_from_disk(model: str, tmp_path: Path) -> None:
    data = examples(SHAPES[model])
    trained, history = train_classifier(model, ("a", "b"), data, CONFIG, tmp_path / "state")
    assert history[-1]["cross_entropy"] < 0.6 * history[0]["cross_entropy"]
    assert history[-1]["accuracy"] > 0.9
    save_classifier(tmp_path, trained, data.groups)
    again = load_classifier(tmp_path)
    x = torch.from_numpy(data.inputs)
    torch.testing.assert_close(again.logits(x), trained.logits(x))
    assert again.layer is not None


def test_a_killed_training_goes_on_bit_by_bit(tmp_path: Path) -> None:
    data = examples(SHAPES["resnet_short"])
    whole, _ = train_classifier("resnet_short", ("a", "b"), data, CONFIG, tmp_path / "whole")
    short = CONFIG.model_copy(update={"optimiser": OPTIMISER, "epochs": 3})
    # One cycle over all epochs: the first half must know how long the whole is.
    cycle = OPTIMISER.model_copy(update={"first_cycle_epochs": 6})
    short, full = (c.model_copy(update={"optimiser": cycle}) for c in (short, CONFIG))
    train_classifier("resnet_short", ("a", "b"), data, short, tmp_path / "killed")
    resumed, history = train_classifier("resnet_short", ("a", "b"), data, full, tmp_path / "killed")
    assert len(history) == 6
    x = torch.from_numpy(data.inputs)
    assert torch.equal(resumed.logits(x), whole.logits(x))


def test_classes_weigh_by_their_rarity() -> None:
    weights = class_weights(torch.tensor([0, 0, 0, 1]), 2)
    torch.testing.assert_close(weights, torch.tensor([4 / 6, 4 / 2]))


def test_examples_come_back_and_groups_stay_together(tmp_path: Path) -> None:
    data = examples((1, 4, 4))
    write_examples(tmp_path, data)
    again = read_examples(tmp_path)
    assert again.cases == data.cases
    np.testing.assert_array_equal(again.inputs, data.inputs)
    assert set(again.training(0).cases) | set(again.held_out(0).cases) == set(data.cases)
    assert not set(again.training(0).cases) & set(again.held_out(0).cases)


@pytest.mark.parametrize(
    ("name", "published", "head"),
    [("resnet18", 11_689_512, 512), ("densenet121", 7_978_856, 1024),
     ("efficientnet_b0", 5_288_548, 1280)],
)  # fmt: skip
def test_networks_have_the_published_number_of_parameters(
    name: str, published: int, head: int
) -> None:
    """torchvision's and timm's counts, for colour images and 1000 classes."""
    network = build(name, "classifier", channels=3, outputs=1000)
    assert sum(p.numel() for p in network.parameters()) == published
    assert list(network.parameters())[-2].shape == (1000, head)


def test_weights_of_colour_images_are_taken_over(tmp_path: Path) -> None:
    torch.manual_seed(0)
    colour = build("resnet_short", "classifier", channels=3, outputs=7).eval()
    save_file(dict(colour.state_dict()), tmp_path / "w.safetensors")
    grey = build("resnet_short", "classifier", channels=1, outputs=2).eval()
    take_over(grey, tmp_path / "w.safetensors", "fc")
    seen = []
    for network in (colour, grey):
        network.layer3.register_forward_hook(lambda _m, _i, result: seen.append(result))
    x = torch.rand(1, 1, 16, 16)
    colour(x.expand(-1, 3, -1, -1))
    grey(x)
    torch.testing.assert_close(seen[0], seen[1])
    with pytest.raises(UsageError, match="another network"):
        take_over(build("densenet121", "classifier"), tmp_path / "w.safetensors", "classifier")


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "efficientnet_b0"])
def test_timm_is_the_same_network_or_says_why_not(name: str) -> None:
    """With timm, equal outputs for equal weights; without it, the reason and the equivalent."""
    if not _has_timm():
        with pytest.raises(UsageError, match=f"(?s)cannot be used with torch.*take '{name}'"):
            build(f"timm_{name}", "classifier")
        return
    torch.manual_seed(0)
    ours = build(name, "classifier", channels=3, outputs=5).eval()
    theirs = build(f"timm_{name}", "classifier", channels=3, outputs=5).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(theirs(x), ours(x), rtol=1e-4, atol=1e-5)


def _has_timm() -> bool:
    try:
        import timm  # noqa: F401
    except (ImportError, RuntimeError):
        return False
    return True
