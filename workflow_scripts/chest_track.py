"""Bring the study of bone suppression into the MLflow store: suppressors and classifiers."""

from __future__ import annotations

from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.tracking import TrackingConfig
from bmdpipe.core.files import STUDY_DATA
from bmdpipe.pairs.chest_cases import PRETRAINING
from bmdpipe.report.study_runs import study_runs
from bmdpipe.report.tracking import artefact_location, default_uri, track
from workflow_scripts.chest_classify import SUPPRESSED
from workflow_scripts.chest_evaluate import ORIGINAL
from workflow_scripts.job import Job, run_file
from workflow_scripts.track import NOTES


def chest_tracked(job: Job) -> dict[str, Any]:
    """What was brought where."""
    config = job.section("tracking", TrackingConfig)
    study, root = job.keys["study"], job.layout.root
    runs = [
        *study_runs(job.layout, study, [*job.config["suppressors"], PRETRAINING], 1),
        *study_runs(job.layout, study, [ORIGINAL, SUPPRESSED], job.config["folds"]),
    ]
    virtual = bool(read_json(job.at("study_data") / STUDY_DATA)["virtual"])
    experiment = f"{study}/{job.layout.cohort}"
    uri = config.uri or default_uri(root)
    location = None if config.uri else artefact_location(root)
    done = track(runs, experiment, uri, location, config.artefacts, NOTES[virtual])
    return {"uri": uri, "experiment": experiment, "runs": done}


if __name__ == "__main__":
    run_file("study_track", chest_tracked)
