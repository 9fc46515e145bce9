"""A training that is killed at any step and started again ends with the same weights (on a CPU)."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bmdpipe.core.errors import UsageError
from bmdpipe.training import decomposition, fit
from bmdpipe.training.data import with_values
from bmdpipe.training.saved import save_decomposition
from bmdpipe.training.stages import decompose, region_images, regress, regress_regions

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 3
STEPS = {"stage_one": 3, "stage_two": 3, "stage_three": 3, "conventional": 3}
"""Of an epoch: twelve images in batches of four."""


class Killed(Exception):
    pass


@pytest.fixture
def train(fold, decomposer, pairs_config, config, tmp_path):
    """Runs a stage with its state in a folder; gives the weights."""
    pairs, bmd = fold
    before = tmp_path / "before"
    first, judge, _ = decompose(
        "earlier", pairs, "bones", 1, decomposer, pairs_config, config, tmp_path / "e"
    )
    save_decomposition(before, first, judge, "bones", bmd)
    data = with_values(pairs, pairs.images["radiograph"], bmd)
    regions = with_values(pairs, region_images(pairs, 16, 0.1), bmd)

    def run(stage, state):
        if stage in ("stage_one", "stage_two"):
            kind, earlier = ("bones", None) if stage == "stage_one" else ("pf", before)
            made, judge, history = decompose(
                stage, pairs, kind, EPOCHS, decomposer, pairs_config, config, state, earlier
            )
            modules = (made.generator, judge)
        elif stage == "stage_three":
            trained, _, history = regress(data, before, True, pairs_config, config, state)
            modules = (trained.network,)
        else:
            trained, history = regress_regions(regions, pairs_config, config, state)
            modules = (trained.network,)
        return [t.clone() for m in modules for t in m.state_dict().values()], history

    return run


@pytest.mark.parametrize("stage", STEPS)
def test_killed_at_any_step(stage, train, tmp_path, monkeypatch):
    whole, history = train(stage, tmp_path / "whole")
    steps = STEPS[stage] * len(history) * (2 if stage in ("stage_one", "stage_two") else 1)
    at = random.Random(stage).randrange(steps)
    real, done = decomposition.step, []

    def dying(*arguments):
        if len(done) == at:
            raise Killed
        done.append(1)
        real(*arguments)

    for module in (decomposition, fit):
        monkeypatch.setattr(module, "step", dying)
    with pytest.raises(Killed):
        train(stage, tmp_path / "again")
    monkeypatch.undo()
    torch.rand(5)  # whatever else ran in between
    again, resumed = train(stage, tmp_path / "again")
    assert resumed == history
    for a, b in zip(whole, again, strict=True):
        assert torch.equal(a, b)


def test_a_damaged_state_is_refused(train, tmp_path):
    train("stage_one", tmp_path)
    (path,) = tmp_path.glob("stage_one*.safetensors")
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with pytest.raises(UsageError, match="damaged"):
        train("stage_one", tmp_path)


PROGRAM = """
import sys
from pathlib import Path
import torch
from bmdpipe.core.checkpoints import save_weights
from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.training.data import with_values
from bmdpipe.training.saved import save_decomposition
from bmdpipe.training.stages import decompose, region_images, regress, regress_regions
from tests.training.conftest import SIZE, make_pairs
torch.set_num_threads(1)
stage, state, weights, before = sys.argv[1], *map(Path, sys.argv[2:])
fast = {"learning_rate": 3e-3, "first_cycle_epochs": None}
config = TrainingConfig.model_validate({"device": "cpu", "checkpoint_every_epochs": 2,
    "decomposition": {"batch_size": 2, "optimiser": fast,
        "discriminator": {"scales": 1, "filters": 4, "layers": 1}},
    "regression": {"batch_size": 2, "frozen_epochs": 24, "tuned_epochs": 16, "optimiser": fast,
        "head": {"dims": [8, 16], "depths": [1, 1], "head_dim": 8}},
    "conventional": {"model": "vgg_tiny", "region_px": 16, "epochs": 150, "optimiser": fast}})
(pairs, bmd), sizes = make_pairs(), PairsConfig(size_px=SIZE)
common = (Decomposer(backbone="resnet_tiny"), sizes, config)
if not before.exists():
    first, judge, _ = decompose("earlier", pairs, "bones", 1, *common, before / "state")
    save_decomposition(before, first, judge, "bones", bmd)
if stage == "conventional":
    regions = with_values(pairs, region_images(pairs, 16, 0.1), bmd)
    network = regress_regions(regions, sizes, config, state)[0].network
elif stage == "stage_three":
    data = with_values(pairs, pairs.images["radiograph"], bmd)
    network = regress(data, before, True, sizes, config, state)[0].network
else:
    kind, earlier = ("bones", None) if stage == "stage_one" else ("pf", before)
    made, judge, _ = decompose(stage, pairs, kind, 40, *common, state, earlier)
    network = torch.nn.ModuleList([made.generator, judge])
save_weights(weights, network, {})
"""


@pytest.mark.long
@pytest.mark.parametrize("stage", STEPS)
def test_kill_minus_nine(stage, tmp_path):
    """A real SIGKILL, again and again, at moments of no one's choosing."""

    def start(name):
        weights, before = tmp_path / f"{name}.weights", tmp_path / "before"
        arguments = [stage, str(tmp_path / name), str(weights), str(before)]
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT)

    assert start("whole").wait() == 0
    for _ in range(4):
        process = start("again")
        _wait_for_states(process, tmp_path / "again", random.randint(1, 4))
        time.sleep(random.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert start("again").wait() == 0
    assert (tmp_path / "again.weights").read_bytes() == (tmp_path / "whole.weights").read_bytes()


def _wait_for_states(process, folder, count):
    """Until so many more states have been written; 20 are in the whole training."""
    stamps = _stamps(folder)
    while count:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
        if (now := _stamps(folder)) != stamps:
            stamps, count = now, count - 1


def _stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
