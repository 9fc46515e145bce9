"""Train a fold's classifier of a companion study and let it tell the held-out cases."""

from __future__ import annotations

from pathlib import Path

import torch

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.supervised import SupervisedConfig
from bmdpipe.core.files import CLASS_PREDICTIONS, EXAMPLE_INDEX, EXAMPLES, STUDY_DATA
from bmdpipe.core.metrics import Scalar
from bmdpipe.core.provenance import file_hash
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.examples import read_examples
from bmdpipe.training.classify import save_classifier, train_classifier, write_told
from bmdpipe.training.history import history_metrics, write_history
from workflow_scripts.job import Job, Outcome, run_job


def study_train(job: Job, out: Path) -> Outcome:
    torch.set_num_threads(job.threads)
    data = job.at("study_data")
    classes = read_json(data / STUDY_DATA)["classes"]
    examples = read_examples(data)
    fold, model = int(job.keys["fold"]), job.keys["model"]
    learnt, tested = examples.training(fold), examples.held_out(fold)
    state = job.state(file_hash([data / EXAMPLES, data / EXAMPLE_INDEX]))
    weights = job.config["pretrained"]
    trained, history = train_classifier(
        model,
        classes,
        learnt,
        job.section("training", SupervisedConfig),
        state,
        Path(weights) if weights else None,
    )
    save_classifier(out, trained, learnt.groups)
    write_history(out, history)
    mark_ended(state)
    write_told(out / CLASS_PREDICTIONS, trained, tested, fold)
    params: dict[str, Scalar] = {"model": model, "images": len(learnt), "pretrained": bool(weights)}
    return Outcome(history_metrics(history, params))


if __name__ == "__main__":
    run_job("study_train", study_train)
