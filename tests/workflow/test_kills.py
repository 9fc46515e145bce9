"""A run that is killed, again and again, ends in the same result once it is taken up again."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.conftest import Checkout
from tests.workflow.killed import Epochs, Killed, Plan

pytestmark = pytest.mark.workflow
CONVENTIONAL = ("train/conventional", "predict/conventional", "evaluate/experiments/conventional")
COLLECTED = ("explain/conventional", "report", "summary.json", "tracked.json", "state")
SHORT = (
    Plan(jobs=2, ending="group", mean_s=2.0),
    Plan(jobs=1, ending="driver", mean_s=2.0),
    Plan(jobs=2, ending="driver", mean_s=2.0),
    Plan(jobs=1, ending="group", mean_s=2.0),
)
"""Ten kills."""
STAGES = ("simulate", "import", "folds", "calibrate", "segment_train", "segment_quality", "segment")
STAGES += ("roi", "register", "project", "pairs", "train", "predict", "evaluate", "explain")
KILLS = 100
CHECKPOINT_EVERY = 1
"""Epochs; the default of both kinds of training."""


def summary_of(root: Path) -> object:
    return json.loads((root / "results/test/summary.json").read_text(encoding="utf-8"))


def without(results: Path, *names: str) -> None:
    for name in names:
        path = results / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def copy_of(finished: Checkout, root: Path) -> Path:
    """The finished run at another place; compiled kernels that are there already stay."""
    kernels = root / ".snakemake" / "numba"
    kept = root.with_name("kernels")
    if kernels.is_dir():
        kernels.rename(kept)
        shutil.rmtree(root)
    shutil.copytree(finished.root, root, symlinks=True, ignore=shutil.ignore_patterns("numba"))
    if kept.is_dir():
        kept.rename(kernels)
    return root


def test_ten_kills_of_what_follows_the_conventional_training(finished, tmp_path):
    root = copy_of(finished, tmp_path / "killed")
    without(root / "results/test", *CONVENTIONAL, *COLLECTED)
    run, chance, hit = Killed(root), random.Random(0), Counter()
    for plan in SHORT:
        hit.update(run.kill(plan, chance))
    run.finish()
    assert hit == {"job": 6, "group": 2, "driver": 2}
    assert summary_of(root) == summary_of(finished.root)


@pytest.mark.long
def test_a_hundred_kills_of_everything(finished, tmp_path):
    chance, hit, rounds = random.Random(0), Counter(), 0
    while hit.total() < KILLS:
        root = copy_of(finished, tmp_path / "killed")
        without(root / "results/test", *STAGES, *COLLECTED)
        run, epochs = Killed(root), Epochs(root / "results/test/logs")
        while hit.total() < KILLS:
            plan = Plan(chance.randrange(4), chance.choice(("driver", "group")), mean_s=8.0)
            found = run.kill(plan, chance)
            hit.update(found)
            epochs.look()
            sys.stderr.write(f"copy {rounds}: {dict(hit)}, lost {epochs.most_lost}\n")
            if plan.ending not in found:
                break
        run.finish()
        epochs.look()
        rounds += 1
        assert epochs.most_lost <= CHECKPOINT_EVERY
        assert summary_of(root) == summary_of(finished.root)
    sys.stderr.write(f"{dict(hit)} kills in {rounds} runs\n")
