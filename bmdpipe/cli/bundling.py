"""What `bmdpipe export` and `bmdpipe predict` do and say, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bmdpipe.core.errors import UsageError
from bmdpipe.core.labels import SIDES

if TYPE_CHECKING:
    from bmdpipe.report.bundle.estimate import Estimate
    from bmdpipe.report.bundle.predict import Predicted

REFUSED = "cannot be used"


def export(results: Path, cohort: str, experiment: str, out: Path, onnx: bool) -> str:
    """Write the bundle; returns a sentence on it."""
    from bmdpipe.report.bundle.export import export as write
    from bmdpipe.report.bundle.files import CARD

    bundle = write(results, cohort, experiment, out, onnx)
    virtual = " Trained on virtual subjects." if bundle.virtual else ""
    return f"{out}: {len(bundle.folds)} models. Read {out / CARD} first.{virtual}"


def sides_of(choice: str) -> tuple[str, ...]:
    """The sides that `R`, `L` or `both` name; raises UsageError on anything else."""
    if choice == "both":
        return tuple(SIDES)
    if choice not in SIDES:
        raise UsageError(f"--side is R, L or both, not {choice}")
    return (choice,)


def predict(
    folder: Path, paths: Sequence[Path], side: str, out: Path | None, dicom: bool
) -> Iterator[tuple[str, bool]]:
    """A line per prediction, and per radiograph that cannot be used: the second value tells."""
    from bmdpipe.report.bundle.files import read_bundle
    from bmdpipe.report.bundle.predict import predict as each
    from bmdpipe.report.bundle.predict import write_pictures, write_tables

    sides = sides_of(side)
    if dicom and out is None:
        raise UsageError("--dicom needs a folder: give --out")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty")
    bundle = read_bundle(folder)
    outcomes = []
    for outcome in each(bundle, paths, sides):
        yield from lines_of(outcome)
        if out is not None:
            write_pictures(out, outcome, bundle, dicom)
        outcomes.append(outcome)
    if out is not None:
        write_tables(out, outcomes, bundle)


def lines_of(outcome: Predicted) -> Iterator[tuple[str, bool]]:
    """The lines on one file, which is named here alone, as the user typed it."""
    for hip in outcome.hips:
        for estimate in hip.estimates:
            head = f"{outcome.case}  {outcome.path}  {hip.hip.side}"
            yield f"{head}  {_value(estimate)}", False
    for error in outcome.refused:
        head = f"{outcome.case}  {outcome.path}"
        yield f"{head}  {REFUSED}: {error.code} {error.hint}", True


def _value(estimate: Estimate) -> str:
    interval = "no interval"
    if estimate.low is not None and estimate.high is not None:
        interval = f"[{estimate.low:.4g}, {estimate.high:.4g}]"
    text = f"{estimate.target} {estimate.bmd:.4g} {interval} {estimate.unit}"
    return text + (f"  DO NOT TRUST: {', '.join(estimate.flags)}" if estimate.flags else "")
