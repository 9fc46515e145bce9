"""Volumes and images as NIfTI with a JSON beside them for unit, sources and geometry.

In memory everything is LPS; NIfTI is RAS. This file is the one border where they are converted.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bmdpipe.core.atomic import atomic_path, read_json, write_json
from bmdpipe.core.errors import CaseError
from bmdpipe.core.image import Image
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.nibabel_alone import HeaderDataError, ImageFileError, nibabel
from bmdpipe.imaging.orientation import check_handedness

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def sidecar(path: Path) -> Path:
    """The JSON beside `name.nii.gz`."""
    path = Path(path)
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def write_volume(path: Path, volume: Volume, meta: Mapping[str, Any] | None = None) -> None:
    """Write a volume atomically, in its own number type; `meta` joins the unit in the sidecar."""
    affine = RAS_FROM_LPS @ volume.world_from_index
    _write(path, volume.array.transpose(2, 1, 0), affine, {"unit": volume.unit, **(meta or {})})


def read_volume(path: Path) -> Volume:
    """Read a volume with its unit; raises FileNotFoundError if it or its sidecar is missing."""
    picture = nibabel.Nifti1Image.from_filename(path)
    world_from_index = RAS_FROM_LPS @ picture.affine
    spacing = np.linalg.norm(world_from_index[:3, :3], axis=0)
    array = np.ascontiguousarray(np.asanyarray(picture.dataobj).transpose(2, 1, 0))
    x, y, z = (float(s) for s in spacing)
    ox, oy, oz = (float(o) for o in world_from_index[:3, 3])
    return Volume(
        array=array,
        spacing_mm=(x, y, z),
        origin_mm=(ox, oy, oz),
        unit=read_meta(path)["unit"],
        direction=world_from_index[:3, :3] / spacing,
    )


def read_foreign(path: Path, unit: str, case: str) -> Volume:
    """Read a NIfTI volume of another program, which has no sidecar: the unit is the caller's word.

    Raises CaseError E_MISSING_FILE, E_TRUNCATED, E_ORIENTATION (sheared or singular axes) and
    E_HANDEDNESS.
    """
    path = Path(path)
    if not path.is_file():
        raise CaseError("E_MISSING_FILE", case, f"{path.name} does not exist")
    try:
        picture = nibabel.Nifti1Image.from_filename(path)
        array = np.asanyarray(picture.dataobj)
    except (EOFError, OSError, ValueError, zlib.error, ImageFileError, HeaderDataError):
        raise CaseError("E_TRUNCATED", case, f"{path.name} is not a whole NIfTI file") from None
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise CaseError("E_TRUNCATED", case, f"{path.name} has {array.ndim} axes instead of 3")
    world_from_index = RAS_FROM_LPS @ picture.affine
    spacing = np.linalg.norm(world_from_index[:3, :3], axis=0)
    if not np.all(np.isfinite(world_from_index)) or spacing.min() <= 0:
        raise CaseError("E_ORIENTATION", case, f"{path.name} has a singular affine")
    direction = world_from_index[:3, :3] / spacing
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
        raise CaseError("E_ORIENTATION", case, f"{path.name} has sheared axes")
    check_handedness(direction, case, path.name)
    x, y, z = (float(s) for s in spacing)
    ox, oy, oz = (float(o) for o in world_from_index[:3, 3])
    return Volume(
        np.ascontiguousarray(array.transpose(2, 1, 0)), (x, y, z), (ox, oy, oz), unit, direction
    )


def write_image(path: Path, image: Image, meta: Mapping[str, Any] | None = None) -> None:
    """Write a 2D image atomically; its spacing and unit join `meta` in the sidecar."""
    sx, sy = image.spacing_mm
    affine = RAS_FROM_LPS @ np.diag([sx, sy, 1.0, 1.0])
    described = {"unit": image.unit, "spacing_mm": [sx, sy], **(meta or {})}
    _write(path, image.array.T[:, :, None], affine, described)


def read_image(path: Path) -> Image:
    """Read a 2D image with its spacing and unit."""
    picture = nibabel.Nifti1Image.from_filename(path)
    meta = read_meta(path)
    sx, sy = (float(s) for s in meta["spacing_mm"])
    array = np.ascontiguousarray(np.asanyarray(picture.dataobj)[:, :, 0].T)
    return Image(array=array, spacing_mm=(sx, sy), unit=meta["unit"])


def read_meta(path: Path) -> dict[str, Any]:
    """The sidecar of an image or volume."""
    return read_json(sidecar(path))


def _write(path: Path, array: np.ndarray, affine: np.ndarray, meta: Mapping[str, Any]) -> None:
    picture = nibabel.Nifti1Image(array, affine)
    picture.header.set_xyzt_units("mm")
    with atomic_path(Path(path)) as part:
        picture.to_filename(part)
    write_json(sidecar(path), dict(meta))
