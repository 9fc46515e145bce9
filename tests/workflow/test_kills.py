"""A run that is killed, again and again, ends in the same result once it is taken up again."""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.conftest import copy_of
from tests.workflow.killed import Epochs, Hit, Killed, Plan

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
ROUNDS = (
    ("predict", 3.0),
    ("train", 6.0),
    ("roi", 10.0),
    ("segment_train", 15.0),
    ("simulate", 20.0),
)
"""The stage from which on all is made again under fire, and the mean of the seconds between kills,
so that each round's kills fall on all that it makes."""
KILLS = 100
CHECKPOINT_EVERY = 1
"""Epochs; the default of both kinds of training."""


def summary_of(root: Path) -> object:
    return json.loads((root / "results/test/summary.json").read_text(encoding="utf-8"))


def without(results: Path, *names: str) -> None:
    for name in names:
        path = results / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def weights_of(root: Path) -> dict[str, str]:
    """Hashes of all that was learned."""
    results = root / "results/test"
    files = [
        *results.glob("segment_train/**/*.safetensors"),
        *results.glob("train/**/*.safetensors"),
    ]
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_ten_kills_of_what_follows_the_conventional_training(finished, tmp_path):
    root = copy_of(finished, tmp_path / "killed").root
    without(root / "results/test", *CONVENTIONAL, *COLLECTED)
    run, chance, hits = Killed(root), random.Random(0), list[Hit]()
    for plan in SHORT:
        hits += run.kill(plan, chance)
    run.finish()
    assert Counter(hit.who for hit in hits) == {"job": 6, "group": 2, "driver": 2}
    assert summary_of(root) == summary_of(finished.root)


def under_fire(
    run: Killed, epochs: Epochs, kills: int, mean_s: float, chance: random.Random
) -> list[Hit]:
    """So many kills of a run that is started again after each but a job's, or fewer, if it comes to
    its end before."""
    hits: list[Hit] = []
    while len(hits) < kills and not run.over:
        jobs = min(chance.choice((0, 0, 1, 3)), kills - len(hits) - 1)
        hits += run.kill(Plan(jobs, chance.choice(("driver", "group")), mean_s), chance)
        epochs.look()
        sys.stderr.write(f"{len(hits)} of {kills} kills\n")
    return hits


@pytest.mark.long
def test_a_hundred_kills_of_everything(finished, tmp_path):
    chance, hits, taken_up, most_lost = random.Random(0), list[Hit](), 0, 0
    rounds = 0
    while len(hits) < KILLS:
        start, mean_s = ROUNDS[rounds % len(ROUNDS)]
        rounds += 1
        root = copy_of(finished, tmp_path / "killed").root
        without(root / "results/test", *STAGES[STAGES.index(start) :], *COLLECTED, "logs")
        run, epochs = Killed(root), Epochs(root / "results/test/logs")
        share = (KILLS - len(hits)) / max(len(ROUNDS) - rounds + 1, 1)
        hits += under_fire(run, epochs, math.ceil(share), mean_s, chance)
        run.finish()
        epochs.look()
        taken_up, most_lost = taken_up + epochs.taken_up, max(most_lost, epochs.most_lost)
        assert most_lost <= CHECKPOINT_EVERY
        assert summary_of(root) == summary_of(finished.root)
        assert weights_of(root) == weights_of(finished.root)
        tell(rounds, start, hits, f"{taken_up} trainings taken up, {most_lost} epochs lost at most")
    assert taken_up > 0


def tell(rounds: int, start: str, hits: list[Hit], trainings: str) -> None:
    who, stages = Counter(hit.who for hit in hits), Counter(s for hit in hits for s in hit.stages)
    sys.stderr.write(
        f"round {rounds}, from {start} on: {len(hits)} kills {dict(who)}; while running "
        f"{dict(stages.most_common())}; {trainings}; the same summary and weights\n"
    )
