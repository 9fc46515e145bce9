"""Compare the poses found in radiographs that were computed from a CT with the known ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import KNOWN_POSES, LABELS, POSES, RECOVERY
from bmdpipe.core.metrics import Metrics
from bmdpipe.evaluation.stages.registration import registration_errors
from bmdpipe.evaluation.stages.subject import bodies_points
from bmdpipe.imaging.nifti import read_volume
from workflow_scripts.job import Job, Outcome, run_case

TOLD = ("reprojection_mean_mm", "rotation_deg", "depth_mm")


def recover(job: Job, out: Path) -> Outcome:
    config = job.section("evaluation", EvaluationConfig)
    rows = registration_errors(
        read_json(job.at("register") / POSES),
        read_json(job.at("expose") / KNOWN_POSES),
        bodies_points(read_volume(job.at("segment") / LABELS), config.registration_points),
        config.registration_success_mm,
    )
    write_json(out / RECOVERY, {"success_mm": config.registration_success_mm, "poses": rows})
    values = {
        f"{quantity}_{row['body']}_{row['radiograph']}": float(row[quantity])
        for row in rows
        for quantity in TOLD
    }
    values["success_share"] = float(np.mean([row["success"] for row in rows])) if rows else 0.0
    return Outcome(Metrics(values=values))


if __name__ == "__main__":
    run_case("recover", recover, needs=("segment", "expose", "register"))
