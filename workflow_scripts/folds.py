"""Deal the cohort's usable subjects to folds, or check a table of folds that the user gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.folds import FoldsConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import FOLDS, SUBJECT
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.records import read_record
from bmdpipe.pairs.folds import (
    STAGE_ONE_ONLY,
    check_folds,
    deal_folds,
    deal_rest,
    read_folds,
    write_folds,
)
from workflow_scripts.job import Job, Outcome, run_job


def folds(job: Job, out: Path) -> Outcome:
    config = job.section("folds", FoldsConfig)
    bmd_of: dict[str, float | None] = {}
    bones_only: list[str] = []
    seen: dict[str, str] = {}
    for subject in job.row["subjects"]:
        folder = job.at("import", subject=subject)
        if not read_record(folder).ok:
            continue
        check_leaks(subject, folder, seen)
        described = read_json(folder / SUBJECT)
        if described["dataset"] == STAGE_ONE_ONLY:
            bones_only.append(subject)
        else:
            bmd_of[subject] = described["dxa_abmd_g_cm2"]
    if config.file is None:
        dealt = deal_folds(bmd_of, config.n_folds, config.seed)
    else:
        given = read_folds(Path(config.file))
        check_folds(given, bmd_of, config.n_folds, config.file)
        if wrong := sorted(set(given) & set(bones_only)):
            raise UsageError(
                f"E_LEAK: {config.file} tests on {wrong[:5]}, which the first stage trains on in "
                "every fold (dataset A)"
            )
        dealt = {subject: given[subject] for subject in bmd_of}
    write_folds(out / FOLDS, dealt, deal_rest(bones_only, config.n_folds, config.seed))
    sizes = Counter(dealt.values())
    return Outcome(Metrics(values={f"subjects_fold{k}": n for k, n in sorted(sizes.items())}))


def check_leaks(subject: str, imported: Path, seen: dict[str, str]) -> None:
    """Raise UsageError if an image of the subject was imported under another subject too; `seen`
    holds the subject of each image's hash."""
    for path in sorted([*imported.glob("ct.json"), *imported.glob("radiographs/*.json")]):
        first = seen.setdefault(str(read_json(path).get("digest", path)), subject)
        if first != subject:
            raise UsageError(
                f"E_LEAK: {first} and {subject} share an image ({path.stem}): one patient under "
                "two codes would stand in training and test; keep one of the two"
            )


if __name__ == "__main__":
    run_job("folds", folds)
