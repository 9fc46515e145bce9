"""Training learns, resumes bit for bit, and stops at a loss that is no number."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from bmdpipe.core import epochs
from bmdpipe.core.checkpoints import load_state
from bmdpipe.core.config.segmentation import SegmentationTraining
from bmdpipe.core.errors import UsageError
from bmdpipe.core.interrupt import Terminated, terminable
from bmdpipe.segmentation import training
from bmdpipe.segmentation.slices import SliceSet, collect
from bmdpipe.segmentation.training import learning_rate, segmentation_loss, train
from tests.segmentation.bodies import toy, toy_config

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data() -> SliceSet:
    return collect([toy("A", 1), toy("B", 2)], toy_config())


class Killed(Exception):
    """Stands for the end of a job's process."""


def test_a_killed_training_goes_on_with_equal_bits(
    data: SliceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(epochs=4)
    whole, rows = train(data, config, 5, CPU, None)
    state = tmp_path / "state"
    epoch = training._epoch

    def kill_in_third(*arguments: object) -> dict[str, float]:
        if arguments[-2] == 2:
            raise Killed
        return epoch(*arguments)

    monkeypatch.setattr(training, "_epoch", kill_in_third)
    with pytest.raises(Killed):
        train(data, config, 5, CPU, state)
    monkeypatch.undo()
    torch.manual_seed(123)
    resumed, again = train(data, config, 5, CPU, state)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert [r["loss"] for r in rows] == [r["loss"] for r in again]
    assert [r["epoch"] for r in again] == [1, 2, 3, 4]


@pytest.mark.parametrize("when", ["within an epoch", "while the state is written"])
def test_sigterm_keeps_every_whole_epoch(
    when: str, data: SliceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes in the third epoch, or before a byte of the second one's state is there."""
    config = toy_config(epochs=3, slices_per_epoch=16)
    whole, rows = train(data, config, 5, CPU, None)
    within = when == "within an epoch"
    module, name = (training, "segmentation_loss") if within else (epochs, "save_state")
    calls_before = 5 if within else 2
    real, calls = getattr(module, name), []

    def with_signal(*arguments: Any) -> Any:
        calls.append(name)
        if len(calls) == calls_before:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr(module, name, with_signal)
    state = tmp_path / "state"
    with terminable(), pytest.raises(Terminated):
        train(data, config, 5, CPU, state)
    kept = load_state(state / "segmentation.safetensors")["history"]
    assert [row["epoch"] for row in kept] == [0, 1]
    monkeypatch.undo()
    resumed, again = train(data, config, 5, CPU, state)
    assert [row["loss"] for row in again] == [row["loss"] for row in rows]
    for key, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[key]), key


def test_a_finished_training_is_not_repeated(
    data: SliceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(epochs=1)
    first, _ = train(data, config, 5, CPU, tmp_path / "s")
    monkeypatch.setattr(training, "_epoch", lambda *_: pytest.fail("trained again"))
    second, rows = train(data, config, 5, CPU, tmp_path / "s")
    assert len(rows) == 1
    assert torch.equal(first.head.weight, second.head.weight)


def test_slices_per_epoch_limits_the_steps(data: SliceSet) -> None:
    seen: list[int] = []
    draw = training.draw

    def counting(config: object, shape: tuple[int, ...], *rest: object) -> object:
        seen.append(shape[0])
        return draw(config, shape, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "draw", counting)
        train(data, toy_config(epochs=2, slices_per_epoch=20), 5, CPU, None)
    assert seen == [8, 8, 4] * 2


def test_an_epoch_draws_no_slice_twice_and_prefers_the_joint(data: SliceSet) -> None:
    generator = torch.Generator().manual_seed(0)
    everything = training._draw_slices(data, toy_config().training, generator)
    assert sorted(everything.tolist()) == list(range(len(data)))
    joint = (data.shares.amax(dim=(2, 3)) > 0).all(dim=1)
    assert torch.equal(joint, data.joint())
    half = toy_config(slices_per_epoch=len(data) // 2, joint_weight=10.0).training
    drawn = training._draw_slices(data, half, generator)
    assert len(set(drawn.tolist())) == len(data) // 2
    assert joint[drawn].float().mean() > joint.float().mean() + 0.1


def test_a_loss_that_is_no_number_names_its_batch(
    data: SliceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([1.0, math.nan])

    def loss(logits: torch.Tensor, *_: object) -> torch.Tensor:
        return logits.sum() * 0 + next(losses)

    monkeypatch.setattr(training, "segmentation_loss", loss)
    with pytest.raises(UsageError, match=r"nan in epoch 1, step 2; the batch is [AB] slice \d+, "):
        train(data, toy_config(), 5, CPU, None)


def test_loss_is_cross_entropy_plus_dice() -> None:
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    classes = torch.randint(0, 3, (2, 4, 4), generator=torch.Generator().manual_seed(1))
    shares = functional.one_hot(classes, 3).movedim(-1, 1)[:, 1:].float()
    entropy = functional.cross_entropy(logits, classes)
    torch.testing.assert_close(segmentation_loss(logits, shares, 0), entropy)
    found = logits.softmax(1)[:, 1:]
    dice = [
        (2 * (found[:, k] * shares[:, k]).sum() + 1) / (found[:, k].sum() + shares[:, k].sum() + 1)
        for k in (0, 1)
    ]
    expected = entropy + 2 * (1 - sum(dice) / 2)
    torch.testing.assert_close(segmentation_loss(logits, shares, 2), expected)


def test_loss_is_least_where_prediction_and_share_agree() -> None:
    truth = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).softmax(1)
    logits = truth.log().requires_grad_()
    loss = segmentation_loss(logits, truth[:, 1:], 1.0)
    entropy = -(truth * truth.log()).sum(1).mean().item()
    assert loss.item() == pytest.approx(entropy, abs=1e-5)
    for sign in (-1, 1):
        moved = logits + sign * 0.3 * torch.tensor([0.0, 1.0, -1.0])[None, :, None, None]
        assert segmentation_loss(moved, truth[:, 1:], 1.0) > loss


def test_learning_rate_rises_then_falls() -> None:
    config = SegmentationTraining(learning_rate=0.5)
    rates = [learning_rate(i / 100, config) for i in range(101)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.5)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0.005)
