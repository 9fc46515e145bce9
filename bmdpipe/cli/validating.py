"""What `bmdpipe validate` does and says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bmdpipe.core.config.loading import load_config
from bmdpipe.core.errors import UsageError
from bmdpipe.virtual.configured import configured_cohort

Progress = Callable[[int, int], None]


def validate(
    folder: Path, config_path: Path, out: Path, track: bool, progress: Progress
) -> Iterator[tuple[str, bool]]:
    """Lines on the cohort's radiographs; those whose second value is true tell of refused ones.

    `progress` is told how many radiographs of how many are done.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty")
    config = load_config(config_path)
    cohort = configured_cohort(config, ct_needed=False)

    from bmdpipe.report.bundle.files import read_bundle
    from bmdpipe.report.bundle.validate import Validation, devices_of, judged, outcomes, subjects_of
    from bmdpipe.report.bundle.validation_page import PAGE, write_validation

    bundle = read_bundle(folder)
    total = sum(len(cohort.radiographs_of(s.subject)) for s in subjects_of(cohort))
    done = []
    for outcome in outcomes(bundle, config, cohort):
        done.append(outcome)
        progress(sum(one.radiographs for one in done), total)
        for error in outcome.refused:
            yield f"{error.case}  cannot be used: {error.code} {error.hint}", True
    virtual = bundle.virtual or config.cohort.kind == "virtual"
    found = Validation(config.cohort.name, virtual, tuple(done), devices_of(cohort))
    targets = judged(bundle, found, config.evaluation)
    write_validation(out, bundle, found, targets, config.evaluation)
    for target, result in targets.items():
        yield line_of(target, result), False
    if track:
        from bmdpipe.report.bundle.validation_page import tracked_validation
        from bmdpipe.report.tracking import track_results

        runs = [tracked_validation(out, bundle, found, targets)]
        name = f"validation/{config.cohort.name}"
        went = track_results(runs, name, config.results, config.tracking, virtual)
        yield f"MLflow experiment {name} in {went['uri']}", False
    yield f"{'virtual subjects: no clinical evidence. ' * virtual}{out / PAGE}", False


def line_of(target: str, result: dict) -> str:
    """PCC here and held out, and how many radiographs it rests on."""
    here, inside = (result[group].get("pcc") for group in ("metrics", "held_out"))
    value = f"{here['value']:.3f}" if here else "no value"
    before = f"{inside['value']:.3f}" if inside else "no value"
    return (
        f"{target}: PCC {value} (held out in its own cohort {before}), "
        f"{result['n_cases']} radiographs of {result['n_subjects']} subjects, "
        f"{result['n_flagged']} flagged"
    )
