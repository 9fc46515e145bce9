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
sys.path.insert(0, sys.argv[3])
import conftest
from bmdpipe.core.checkpoints import save_weights
from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.training.stages import decompose
import torch
torch.set_num_threads(1)
config = TrainingConfig.model_validate({"device": "cpu", "checkpoint_every_epochs": 2,
    "decomposition": {"batch_size": 2, "discriminator": {"scales": 1, "filters": 4, "layers": 1}}})
pairs, _ = conftest.make_pairs()
made, judge, _ = decompose("stage_one", pairs, "bones", 40, Decomposer(backbone="resnet_tiny"),
    PairsConfig(size_px=conftest.SIZE), config, Path(sys.argv[1]))
save_weights(Path(sys.argv[2]), made.generator, {})
"""


@pytest.mark.long
def test_kill_minus_nine(tmp_path):
    """A real SIGKILL, three times at moments of no one's choosing."""

    def start(name):
        arguments = [
            str(tmp_path / name),
            str(tmp_path / f"{name}.weights"),
            str(Path(__file__).parent),
        ]
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments])

    begun = time.monotonic()
    assert start("whole").wait() == 0
    lasted = time.monotonic() - begun
    killed = 0
    for _ in range(3):
        process = start("again")
        time.sleep(random.uniform(0.4, 0.9) * lasted)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed
    assert start("again").wait() == 0
    assert (tmp_path / "again.weights").read_bytes() == (tmp_path / "whole.weights").read_bytes()
