"""Pretrain the chest classifier, or fine-tune it on one fold of original or suppressed images."""

from __future__ import annotations

from pathlib import Path

import torch

from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.files import CLASS_PREDICTIONS, EXAMPLE_INDEX, EXAMPLES, WEIGHTS
from bmdpipe.core.metrics import Scalar
from bmdpipe.core.provenance import file_hash
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.chest_cases import PRETRAINING, TUBERCULOSIS
from bmdpipe.pairs.examples import read_examples
from bmdpipe.training.classify import save_classifier, train_classifier, write_told
from bmdpipe.training.history import history_metrics, write_history
from workflow_scripts.chest_data import CLASSES
from workflow_scripts.job import Job, Outcome, run_job

SUPPRESSED = "suppressed"


def chest_classify(job: Job, out: Path) -> Outcome:
    config = job.section("study", BoneSuppressionConfig)
    torch.set_num_threads(job.threads)
    variant, fold = job.keys["model"], int(job.keys["fold"])
    pretrains = variant == PRETRAINING
    purpose = PRETRAINING if pretrains else TUBERCULOSIS
    stage = "study_suppress" if variant == SUPPRESSED else "study_data"
    data = job.at(stage) / purpose
    examples, classes = read_examples(data), CLASSES[purpose]
    learnt, tested = examples.training(fold), examples.held_out(fold)
    state = job.state(file_hash([data / EXAMPLES, data / EXAMPLE_INDEX]))
    if pretrains:
        start = Path(config.weights) if config.weights else None
        training = config.pretraining_training
    else:
        start = job.at("study_train", model=PRETRAINING, fold=0) / WEIGHTS
        training = config.training
    trained, history = train_classifier(config.classifier, classes, learnt, training, state, start)
    save_classifier(out, trained, learnt.groups)
    write_history(out, history)
    mark_ended(state)
    write_told(out / CLASS_PREDICTIONS, trained, tested, fold)
    params: dict[str, Scalar] = {"network": config.classifier, "images": len(learnt)}
    return Outcome(history_metrics(history, params))


if __name__ == "__main__":
    run_job("study_train", chest_classify)
