"""Train one bone suppressor on the training pairs and their copies; judge it on the others."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from bmdpipe.core.atomic import atomic_path, write_text
from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.files import EXAMPLE_INDEX, EXAMPLES, IMAGE_TABLE, INPUT_TABLE, MADE_IMAGES
from bmdpipe.core.metrics import Scalar
from bmdpipe.core.provenance import file_hash
from bmdpipe.core.training_state import mark_ended
from bmdpipe.evaluation.suppression_study import image_table
from bmdpipe.pairs.chest_cases import PAIRS
from bmdpipe.pairs.examples import read_examples
from bmdpipe.pairs.filtered_copies import with_copies
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.suppression import save_suppressor, train_suppressor
from workflow_scripts.job import Job, Outcome, run_job

TEST_FOLD = 0


def chest_suppress_train(job: Job, out: Path) -> Outcome:
    config = job.section("study", BoneSuppressionConfig)
    torch.set_num_threads(job.threads)
    data = job.at("study_data") / PAIRS
    examples = read_examples(data)
    learnt, tested = examples.training(TEST_FOLD), examples.held_out(TEST_FOLD)
    random = torch.Generator().manual_seed(config.seed)
    pairs = with_copies(torch.from_numpy(learnt.inputs), config.offline, random)
    cases = learnt.cases * (1 + config.offline.copies)
    state = job.state(file_hash([data / EXAMPLES, data / EXAMPLE_INDEX]))
    model = job.keys["model"]
    trained, history = train_suppressor(
        model, cases, pairs, config.loss, config.suppression_training, state
    )
    save_suppressor(out, trained, learnt.groups)
    write_history(out, history)
    mark_ended(state)
    shown, truth = tested.inputs[:, :1], tested.inputs[:, 1:]
    made = trained.suppressed(torch.from_numpy(shown.copy())).numpy()
    for name, images in ((IMAGE_TABLE, made), (INPUT_TABLE, shown)):
        table = image_table(tested.cases, tested.groups, images, truth)
        write_text(out / name, table.to_csv(sep="\t", index=False))
    with atomic_path(out / MADE_IMAGES) as part:
        save_file({"made": torch.from_numpy(made)}, part)
    params: dict[str, Scalar] = {
        "network": model,
        "pairs": len(learnt),
        "copies": config.offline.copies,
        "parameters": sum(p.numel() for p in trained.network.parameters()),
    }
    return Outcome(history_metrics(history, params))


if __name__ == "__main__":
    run_job("study_train", chest_suppress_train)
