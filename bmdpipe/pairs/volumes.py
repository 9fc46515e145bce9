"""A cohort of NIfTI volumes with groups: read by its table, brought onto one grid, normalised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import read_json
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import ATLAS_NAMES, PARTICIPANTS
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.nifti import read_foreign
from bmdpipe.imaging.orientation import resampled
from bmdpipe.pairs.case_table import file_beside, read_rows

COLUMNS = ("subject", "group", "volume")
FOREGROUND = 0.15
"""Part of the brightest hundredth's mean above which a voxel is no background."""


@dataclass(frozen=True)
class Participant:
    """A row of the table; paths are absolute, None where there is no such file."""

    subject: str
    group: str
    volume: Path
    atlas: Path | None
    site: Path | None


def read_participants(folder: Path) -> list[Participant]:
    """The table of a cohort; raises UsageError on one that is missing or cannot be used."""
    path = Path(folder) / PARTICIPANTS
    rows = read_rows(path, COLUMNS)
    if len({row["group"] for row in rows}) < 2:
        raise UsageError(f"{path} has one group only: there is nothing to tell apart")

    return [
        Participant(
            row["subject"],
            row["group"],
            Path(folder) / row["volume"],
            file_beside(path, row, "atlas"),
            file_beside(path, row, "site"),
        )
        for row in rows
    ]


def read_atlas_names(folder: Path) -> dict[int, str]:
    """Regions by label; empty if the cohort brings no names."""
    path = Path(folder) / ATLAS_NAMES
    return {int(k): str(v) for k, v in read_json(path).items()} if path.is_file() else {}


def network_grid(size_vox: tuple[int, int, int], voxel_mm: float) -> Volume:
    """The common grid, about the origin of the volumes' space, axes along LPS."""
    x, y, z = (-0.5 * (n - 1) * voxel_mm for n in size_vox)
    array = np.zeros(size_vox[::-1], np.uint8)
    return Volume(array, (voxel_mm,) * 3, (x, y, z), "nothing")


def volume_on(grid: Volume, path: Path, subject: str) -> NDArray[np.float32]:
    """A volume on the grid with a mean of 0 and a deviation of 1 over its foreground; background is
    what lies beside it. Raises CaseError as `read_foreign`, and E_EMPTY on an empty volume."""
    source = read_foreign(path, "arbitrary", subject)
    if float(np.ptp(source.array)) == 0:
        raise CaseError("E_EMPTY", subject, f"{path.name} is constant")
    values = source.array.astype(np.float32)
    made = resampled(values, source.world_from_index, grid, "arbitrary", float(values.min())).array
    bright = np.sort(made, axis=None)[-max(made.size // 100, 1) :].mean()
    foreground = made > FOREGROUND * bright
    if foreground.sum() < 2 or float(made[foreground].std()) == 0:
        raise CaseError("E_EMPTY", subject, f"{path.name} shows nothing on the common grid")
    inside = made[foreground]
    return ((made - inside.mean()) / inside.std()).astype(np.float32)


def labels_on_grid(grid: Volume, path: Path, subject: str) -> NDArray[np.uint8]:
    """A label volume on the grid; each voxel has the label that is nearest."""
    source = read_foreign(path, "label", subject)
    array = source.array.astype(np.uint8)
    return resampled(array, source.world_from_index, grid, "label", 0, nearest=True).array
