"""Read the chest radiographs of the three purposes and deal their subjects to folds."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.files import STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.pairs import chest_images
from bmdpipe.pairs.chest_cases import (
    PAIRS,
    PRETRAINING,
    TUBERCULOSIS,
    ChestCase,
    jsrt_pairs,
    pretraining_cases,
    tuberculosis_cases,
    virtual_cases,
)
from bmdpipe.pairs.chest_store import gather, write_findings
from bmdpipe.pairs.examples import write_examples
from workflow_scripts.job import Job, Outcome, run_job

CLASSES = {PRETRAINING: ["normal", "abnormal"], TUBERCULOSIS: ["normal", "tuberculosis"]}


def chest_data(job: Job, out: Path) -> Outcome:
    config = job.section("study", BoneSuppressionConfig)
    refused, counts = [], {}
    for purpose in (PAIRS, PRETRAINING, TUBERCULOSIS):
        cases = _cases(job, config, purpose)
        if purpose == PAIRS:
            n_folds = max(round(1 / config.test_share), 2)
            found = gather(cases, lambda c: chest_images.pair(c, config), n_folds, config.seed)
        else:
            n_folds = config.n_folds
            found = gather(
                cases, lambda c: chest_images.radiograph(c, config)[None], n_folds, config.seed
            )
        write_examples(out / purpose, found.examples)
        refused += [f"{r.case}: {r.code} {r.hint}" for r in found.refused]
        counts[purpose] = len(found.cases)
        if purpose == TUBERCULOSIS:
            masks = {case.case: chest_images.finding(case, config) for case in found.cases}
            write_findings(out, {name: m for name, m in masks.items() if m is not None})
    virtual = not (config.jsrt or config.tuberculosis or config.pretraining)
    described = {
        "virtual": virtual,
        "classes": CLASSES[TUBERCULOSIS],
        "cases": sum(counts.values()),
        "groups": sum(counts.values()),
        "purposes": counts,
        "size_px": config.size_px,
        "refused": refused,
    }
    write_json(out / STUDY_DATA, described)
    return Outcome(Metrics(params={**counts, "refused": len(refused)}))


def _cases(job: Job, config: BoneSuppressionConfig, purpose: str) -> list[ChestCase]:
    """A purpose's cases: of the folders that the user names, else of the virtual cohort."""
    if purpose == PAIRS and config.jsrt:
        return jsrt_pairs(Path(config.jsrt))
    if purpose == PRETRAINING and config.pretraining:
        return pretraining_cases(Path(config.pretraining))
    if purpose == TUBERCULOSIS and config.tuberculosis:
        return [case for each in config.tuberculosis for case in tuberculosis_cases(Path(each))]
    return virtual_cases(job.at("study_cohort"), purpose)


if __name__ == "__main__":
    run_job("study_data", chest_data)
