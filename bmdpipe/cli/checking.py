"""Whether a config and its cohort would run, and what of the cohort would be left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.cage import caged
from bmdpipe.core.cohort import Cohort
from bmdpipe.core.config.loading import load_config
from bmdpipe.core.config.root import Config
from bmdpipe.core.errors import CaseError
from bmdpipe.virtual.configured import configured_cohort


@dataclass(frozen=True)
class Finding:
    """A line of the check's table: a case, its code (E_ must be mended), and what is wrong."""

    case: str
    code: str
    text: str

    @property
    def must_be_mended(self) -> bool:
        return self.code.startswith("E_")


@dataclass(frozen=True)
class Checked:
    """A sentence on what would run, and what was found in the images."""

    summary: str
    findings: tuple[Finding, ...]

    @property
    def must_be_mended(self) -> bool:
        return any(finding.must_be_mended for finding in self.findings)


def check(path: Path, images: bool = True, processes: int = 1) -> Checked:
    """Check a config, its cohort tables and, of a cohort of tables, every image that they name.

    Raises UsageError, one line per fault, where nothing could run at all.
    """
    config = load_config(path)
    cohort = configured_cohort(config)
    study = config.hip_bmd
    summary = (
        f"{path}: fine. Cohort '{config.cohort.name}' ({config.cohort.kind}): "
        f"{len(cohort.subjects)} subjects, {len(cohort.radiographs)} radiographs, "
        f"{config.folds.n_folds} folds, {len(study.decomposers)} decomposers, "
        f"{len(study.experiments)} experiments, targets {', '.join(study.targets)}."
    )
    real = config.cohort.kind == "tables" and images
    return Checked(summary, tuple(check_images(cohort, config, processes)) if real else ())


def check_images(cohort: Cohort, config: Config, processes: int = 1) -> Iterator[Finding]:
    """Read every subject as the import does, calibrate its CT, and compare the subjects' images."""
    rows = [cohort.to_json(subject) for subject in cohort.ids]
    seen: dict[str, str] = {}
    with ThreadPoolExecutor(processes) as pool:
        for findings, digests in pool.map(lambda row: examine(row, config), rows):
            yield from findings
            yield from _leaks(digests, seen)


def examine(row: Mapping[str, Any], config: Config) -> tuple[Sequence[Finding], Mapping[str, str]]:
    """What is found in one subject's files, and the hash of each image that can be used."""
    case = row["subject"]["subject"]
    limits = config.imaging.max_memory_gib, config.imaging.max_minutes
    try:
        return caged(lambda: _examine(row, config), case, *limits)
    except CaseError as error:
        return [Finding(error.case, error.code, error.hint)], {}


def _examine(row: Mapping[str, Any], config: Config) -> tuple[list[Finding], dict[str, str]]:
    from bmdpipe.densitometry.calibration import calibrate
    from bmdpipe.imaging.intake import take_in

    case = row["subject"]["subject"]
    taken = take_in(row, config.imaging)
    findings = [Finding(e.case, e.code, e.hint) for e in taken.refused]
    for warning in taken.warnings:
        part, _, text = warning.text.rpartition(": ") if "/" in warning.text else (case, "", "")
        findings.append(Finding(part or case, warning.code, text or warning.text))
    digests = {f"{case}/{name}": found.digest for name, found in taken.radiographs.items()}
    digests[case] = taken.scan.digest
    try:
        calibrate(taken.scan.volume, config.calibration, case)
    except CaseError as error:
        findings.append(Finding(error.case, error.code, error.hint))
    return findings, digests


def _leaks(digests: Mapping[str, str], seen: dict[str, str]) -> Iterator[Finding]:
    """The same image under two subjects: one patient would stand in training and in test."""
    for case, digest in digests.items():
        first = seen.setdefault(digest, case)
        if first.split("/")[0] != case.split("/")[0]:
            yield Finding(case, "E_LEAK", f"the same image as {first}: keep one subject of the two")
