"""A CT as a study's table names it: a folder of DICOM files, or a NIfTI file in HU."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.imaging.ct import CtScan, ct_from_volume, read_ct
from bmdpipe.imaging.nifti import read_foreign


def read_any_ct(
    path: Path, case: str, config: ImagingConfig, slices: int, processes: int = 1
) -> CtScan:
    """`slices` is how many a series must have at least: a slab about a vertebra is enough here.
    Raises CaseError as `read_ct` and `ct_from_volume` do."""
    config = config.model_copy(update={"min_slices": max(slices, 2)})
    if path.name.endswith((".nii", ".nii.gz")):
        return ct_from_volume(read_foreign(path, "HU", case), case, config)
    return read_ct(path, case, config, processes)
