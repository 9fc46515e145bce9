"""Train the network of one region and target on one split; estimate what the split holds out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from bmdpipe.core.atomic import write_text
from bmdpipe.core.config.ct_bmd import CtBmdConfig
from bmdpipe.core.files import CT_CASES, CT_VIEWS, PREDICTIONS, SPLITS
from bmdpipe.core.metrics import Scalar
from bmdpipe.core.provenance import file_hash
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.ct_store import read_ct_views
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.value_network import save_estimator, train_estimator
from workflow_scripts.job import Job, Outcome, run_job


def ct_bmd_train(job: Job, out: Path) -> Outcome:
    config = job.section("study", CtBmdConfig)
    torch.set_num_threads(job.threads)
    region, target = job.keys["model"].rsplit("_", 1)
    split, data = int(job.keys["fold"]), job.at("study_data")
    examples = read_ct_views(data, region, target, split)  # type: ignore[arg-type]
    learnt, tested = examples.training(0), examples.held_out(0)
    state = job.state(file_hash([data / name for name in (CT_CASES, CT_VIEWS, SPLITS)]))
    trained, history = train_estimator(config.model, learnt, config.training, config.balance, state)
    save_estimator(out, trained, learnt.groups)
    write_history(out, history)
    mark_ended(state)
    told = trained.values(torch.from_numpy(tested.inputs)).double().numpy()
    table = pd.DataFrame(
        {
            "case": tested.cases,
            "subject": tested.groups,
            "fold": split,
            "bmd_true": tested.labels,
            "bmd_pred": told,
        }
    )
    write_text(out / PREDICTIONS, table.to_csv(sep="\t", index=False))
    params: dict[str, Scalar] = {
        "network": config.model,
        "region": region,
        "target": target,
        "images": len(learnt),
    }
    return Outcome(history_metrics(history, params))


if __name__ == "__main__":
    run_job("study_train", ct_bmd_train)
