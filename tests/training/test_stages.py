"""The trainings as the workflow runs them, on a made-up fold."""

import copy
import os
import shutil
import signal

import numpy as np
import pytest
import torch

from bmdpipe.core import epochs
from bmdpipe.core.checkpoints import load_state, load_weights
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.epochs import Frame, run_epochs
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import WEIGHTS
from bmdpipe.core.interrupt import Terminated, terminable
from bmdpipe.training.data import with_values
from bmdpipe.training.loop import fresh
from bmdpipe.training.pretrained import check_pretrained, pretrained_files
from bmdpipe.training.saved import (
    load_conventional,
    load_decomposition,
    load_regression,
    new_discriminator,
    save_conventional,
    save_decomposition,
    save_regression,
)
from bmdpipe.training.stages import decompose, region_images, regress, regress_regions


def _radiographs(pairs):
    return torch.from_numpy(pairs.images["radiograph"])[:, None]


def _whole(stack):
    return torch.from_numpy(stack[np.arange(len(stack))])[:, None]


def _weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def _assert_equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


class Killed(Exception):
    pass


@pytest.fixture
def kill_after(monkeypatch):
    """Ends a training, as a kill would, once so many states have been written."""

    def arm(states):
        real, written = epochs.save_state, []

        def save(path, state):
            real(path, state)
            written.append(path)
            if len(written) == states:
                raise Killed

        monkeypatch.setattr(epochs, "save_state", save)

    return arm


def _stage_one(fold, decomposer, pairs_config, config, state, epochs=4):
    return decompose("stage_one", fold[0], "bones", epochs, decomposer, pairs_config, config, state)


def test_decomposition_goes_on_bit_by_bit(
    fold, decomposer, pairs_config, config, tmp_path, kill_after, monkeypatch
):
    whole, judge, history = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "a")
    kill_after(2)
    with pytest.raises(Killed):
        _stage_one(fold, decomposer, pairs_config, config, tmp_path / "b")
    monkeypatch.undo()
    torch.manual_seed(123)  # whatever else ran in between
    again, judge_again, resumed = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "b")
    _assert_equal(_weights(whole.generator), _weights(again.generator))
    _assert_equal(_weights(judge), _weights(judge_again))
    assert resumed == history
    assert len(history) == 4


def _at_rest(config):
    """The config with a learning rate that moves no weight by more than 1e-6."""
    still = config.decomposition.optimiser.model_copy(update={"learning_rate": 1e-9})
    still = config.decomposition.model_copy(update={"optimiser": still})
    return config.model_copy(update={"decomposition": still})


@pytest.mark.parametrize("stage", ["stage_one", "stage_two"])
def test_a_training_starts_from_another_cohorts_weights_and_scale(
    stage, fold, made_up, decomposer, pairs_config, config, tmp_path
):
    theirs, judge, _ = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "a", 1)
    save_decomposition(tmp_path / "theirs", theirs, judge, "bones", ["S0"])
    ours = made_up(subjects=4, seed=9)[0]
    given = decomposer.model_copy(update={"pretrained": str(tmp_path / "theirs")})
    common = (ours, "bones", 1, given, pairs_config, _at_rest(config), tmp_path / "b")
    started, _, _ = decompose(stage, *common)
    for name, tensor in theirs.generator.named_parameters():
        torch.testing.assert_close(
            dict(started.generator.named_parameters())[name], tensor, atol=1e-6, rtol=0
        )
    assert started.scale == theirs.scale


def test_weights_of_another_backbone_are_refused(fold, decomposer, pairs_config, config, tmp_path):
    theirs, judge, _ = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "a", 1)
    save_decomposition(tmp_path / "theirs", theirs, judge, "bones", ["S0"])
    other = Decomposer(backbone="hrnet_tiny", pretrained=str(tmp_path / "theirs"))
    with pytest.raises(UsageError, match="holds a resnet_tiny, not a hrnet_tiny"):
        load_decomposition(tmp_path / "theirs", other.backbone)
    size = pairs_config.model_copy(update={"size_px": (32, 32)})
    with pytest.raises(UsageError, match="holds a resnet_tiny, not a hrnet_tiny"):
        decompose("stage_one", fold[0], "bones", 1, other, size, config, tmp_path / "b")


def test_weights_that_have_seen_the_cohort_are_refused(tmp_path):
    folder = tmp_path / "results" / "mine" / "train" / "stage_one"
    folder.mkdir(parents=True)
    chosen = {"main": Decomposer(pretrained=str(folder))}
    with pytest.raises(UsageError, match="there is no"):
        check_pretrained(chosen, tmp_path / "results" / "mine")
    for path in pretrained_files(chosen["main"]):
        path.touch()
    with pytest.raises(UsageError, match="have seen them"):
        check_pretrained(chosen, tmp_path / "results" / "mine")
    check_pretrained(chosen, tmp_path / "results" / "yours")


@pytest.mark.parametrize("states", [1, 3])
def test_regression_goes_on_bit_by_bit(
    states, fold, decomposer, pairs_config, config, tmp_path, kill_after, monkeypatch
):
    pairs, bmd = fold
    trained, judge, _ = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "s", 1)
    save_decomposition(tmp_path, trained, judge, "pf", bmd)
    data = with_values(pairs, pairs.images["radiograph"], bmd)

    def train(state):
        return regress(data, tmp_path, True, pairs_config, config, tmp_path / state)

    whole, _, history = train("a")
    kill_after(states)
    with pytest.raises(Killed):
        train("b")
    monkeypatch.undo()
    again, _, resumed = train("b")
    _assert_equal(_weights(whole.network), _weights(again.network))
    assert resumed == history
    assert [row["epoch"] for row in history] == [0, 1, 2, 3]


def test_a_frozen_encoder_stays_and_a_tuned_one_moves(
    fold, decomposer, pairs_config, config, tmp_path
):
    pairs, bmd = fold
    trained, judge, _ = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "s", 1)
    save_decomposition(tmp_path, trained, judge, "pf", bmd)
    data = with_values(pairs, pairs.images["radiograph"], bmd)
    before = _weights(load_decomposition(tmp_path).generator.encoder)
    for tune in (False, True):
        model, _, _ = regress(data, tmp_path, tune, pairs_config, config, tmp_path / f"r{tune}")
        after = _weights(model.network.encoder)
        assert all(torch.equal(before[n], after[n]) for n in before) != tune


def test_stage_two_takes_everything_over_from_stage_one(
    fold, decomposer, pairs_config, config, tmp_path
):
    one, judge, _ = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "s", 2)
    save_decomposition(tmp_path, one, judge, "bones", fold[1])
    expected = _weights(one.generator), _weights(judge)
    still = config.model_copy(
        update={
            "decomposition": config.decomposition.model_copy(
                update={
                    "optimiser": config.decomposition.optimiser.model_copy(
                        update={"learning_rate": 1e-12, "weight_decay": 0.0}
                    )
                }
            )
        }
    )
    two, judge_two, _ = decompose(
        "stage_two", fold[0], "pf", 1, decomposer, pairs_config, still, tmp_path / "t", tmp_path
    )
    assert two.scale == one.scale
    for before, after in zip(expected, (two.generator, judge_two), strict=True):
        for name, tensor in after.state_dict().items():
            torch.testing.assert_close(tensor, before[name], rtol=1e-5, atol=1e-6)


def test_decomposition_learns(fold, decomposer, pairs_config, config, tmp_path):
    trained, _, history = decompose(
        "two", fold[0], "pf", 40, decomposer, pairs_config, config, tmp_path
    )
    assert history[-1]["l1"] < 0.35 * history[0]["l1"]
    made = trained(_radiographs(fold[0])).detach().numpy()[:, 0]
    assert made.min() >= 0
    assert np.corrcoef(made.ravel(), fold[0].images["pf"].ravel())[0, 1] > 0.9


def test_the_baseline_learns(fold, pairs_config, config, tmp_path):
    pairs, bmd = fold
    longer = config.model_copy(
        update={"conventional": config.conventional.model_copy(update={"epochs": 40})}
    )
    data = with_values(pairs, region_images(pairs, 16, 0.1), bmd)
    model, history = regress_regions(data, pairs_config, longer, tmp_path)
    assert history[-1]["weighted_l1"] < 0.5 * history[0]["weighted_l1"]
    assert np.corrcoef(model(_whole(data.images)).detach(), data.values)[0, 1] > 0.8


def test_saved_networks_give_the_same_when_loaded(fold, decomposer, pairs_config, config, tmp_path):
    pairs, bmd = fold
    images = _radiographs(pairs)
    one, judge, _ = _stage_one(fold, decomposer, pairs_config, config, tmp_path / "s", 1)
    save_decomposition(tmp_path / "d", one, judge, "pf", bmd)
    loaded = load_decomposition(tmp_path / "d")
    # A loaded network is laid out in memory in another way and sums in another order.
    torch.testing.assert_close(loaded(images), one(images), rtol=1e-4, atol=0.05)
    fresh_judge = new_discriminator(config.decomposition.discriminator)
    load_weights(tmp_path / "d" / "discriminators.safetensors", fresh_judge)

    data = with_values(pairs, pairs.images["radiograph"], bmd)
    model, backbone, _ = regress(data, tmp_path / "d", True, pairs_config, config, tmp_path / "r")
    size = pairs_config.size_px
    save_regression(tmp_path / "x", model, config.regression.head, backbone, size, "dxa", bmd)
    torch.testing.assert_close(
        load_regression(tmp_path / "x")(images), model(images), rtol=1e-4, atol=1e-5
    )
    assert (tmp_path / "x" / WEIGHTS).is_file()

    regions = region_images(pairs, 16, 0.1)
    simple, _ = regress_regions(
        with_values(pairs, regions, bmd), pairs_config, config, tmp_path / "c"
    )
    save_conventional(tmp_path / "y", simple, "vgg_tiny", 16, 0.1, "dxa", bmd)
    again, region_px, margin = load_conventional(tmp_path / "y")
    assert (region_px, margin) == (16, 0.1)
    torch.testing.assert_close(
        again(_whole(regions)), simple(_whole(regions)), rtol=1e-4, atol=1e-5
    )
    with pytest.raises(ValueError, match="holds a conventional"):
        load_regression(tmp_path / "y")


def test_without_adversary_and_with_max_steps(fold, decomposer, pairs_config, config, tmp_path):
    plain = config.model_copy(
        update={
            "decomposition": config.decomposition.model_copy(
                update={"weight_adversarial": 0.0, "weight_fm": 0.0, "max_steps": 4}
            )
        }
    )
    _, _, history = _stage_one(fold, decomposer, pairs_config, plain, tmp_path, 50)
    assert len(history) == 2  # three steps of four images an epoch
    assert set(history[0]) == {"epoch", "l1", "gc"}


@pytest.mark.parametrize("form", ["least_squares", "logarithmic"])
def test_bfloat16_trains(form, fold, decomposer, pairs_config, config, tmp_path):
    half = config.model_copy(
        update={
            "precision": "bfloat16",
            "decomposition": config.decomposition.model_copy(update={"adversarial": form}),
        }
    )
    trained, _, history = _stage_one(fold, decomposer, pairs_config, half, tmp_path, 2)
    assert np.isfinite(history[-1]["l1"])
    assert all(p.dtype == torch.float32 for p in trained.generator.parameters())


def test_nan_names_the_batch(fold, decomposer, pairs_config, config, tmp_path):
    pairs, _ = fold
    pairs.images["bones"][3, 5, 5] = float("nan")
    bad = pairs.cases[3].name
    quiet = config.model_copy(
        update={"decomposition": config.decomposition.model_copy(update={"batch_size": 1})}
    )
    with pytest.raises(FloatingPointError, match=bad):
        _stage_one(fold, decomposer, pairs_config, quiet, tmp_path, 1)


def test_weights_follow_from_the_seed_alone():
    torch.manual_seed(1)
    first = fresh(lambda: torch.nn.Linear(3, 3), 0, "a")
    state = torch.get_rng_state()
    again = fresh(lambda: torch.nn.Linear(3, 3), 0, "a")
    other = fresh(lambda: torch.nn.Linear(3, 3), 1, "a")
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_one_log_line_per_epoch(tmp_path, caplog):
    frame = Frame("x", tmp_path, torch.device("cpu"), False, 0, 10)
    with caplog.at_level("INFO"):
        run_epochs(frame, 3, {}, {}, lambda _e, _g: {"loss": 0.5}, 7)
    lines = [r.message for r in caplog.records]
    assert len(lines) == 3
    assert "x epoch 3/3 loss=0.5" in lines[-1]
    assert "images/s" in lines[-1]


def test_a_terminated_training_keeps_its_last_whole_epoch(tmp_path):
    """SIGTERM in the middle of the fourth epoch, between two checkpoints that lie ten apart."""
    network = torch.nn.Linear(2, 1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)

    def run(name: str, stop_in: int | None) -> list[dict[str, float]]:
        frame = Frame(name, tmp_path, torch.device("cpu"), False, seed=0, checkpoint_every=10)

        def epoch(number: int, generator: torch.Generator) -> dict[str, float]:
            loss = network(torch.randn(4, 2, generator=generator)).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if number == stop_in:
                os.kill(os.getpid(), signal.SIGTERM)
            return {"loss": float(loss.detach())}

        return run_epochs(frame, 6, {"net": network}, {"net": optimiser}, epoch, 4)

    start = copy.deepcopy(network.state_dict())
    with terminable(), pytest.raises(Terminated):
        run("a", stop_in=3)
    kept = load_state(tmp_path / "a.safetensors")
    assert [row["epoch"] for row in kept["history"]] == [0, 1, 2]
    history = run("a", stop_in=None)
    assert [row["epoch"] for row in history] == list(range(6))
    resumed = copy.deepcopy(network.state_dict())
    network.load_state_dict(start)
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert run("a", stop_in=None) == history
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, resumed[name])
