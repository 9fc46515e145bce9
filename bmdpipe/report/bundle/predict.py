"""Radiographs through a bundle: each on its own, what cannot be used put aside, results written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bmdpipe.core.atomic import atomic_path, write_json, write_text
from bmdpipe.core.codes import MEANING
from bmdpipe.core.device import pick_device
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import PREDICTIONS
from bmdpipe.core.image import Image
from bmdpipe.imaging.nifti import write_image
from bmdpipe.report.bundle.estimate import COLUMNS, HipEstimate, estimate_hip
from bmdpipe.report.bundle.files import Bundle
from bmdpipe.report.bundle.members import Member, load_members
from bmdpipe.report.bundle.overview import as_taken, overview
from bmdpipe.report.bundle.reading import ReadRadiograph, read_hips

RECORD = "predictions.json"
NAME = "radiograph{number:03d}"
OVERVIEW = "{case}_{side}.png"
OVERVIEW_DICOM = "{case}_{side}_overview.dcm"
PROJECTION = "{case}_{side}_projection.nii.gz"
PROJECTION_DICOM = "{case}_{side}_projection.dcm"


@dataclass(frozen=True)
class Predicted:
    """One file's outcome: what was read and estimated, or why it cannot be used."""

    path: Path
    case: str
    read: ReadRadiograph | None
    hips: tuple[HipEstimate, ...]
    refused: tuple[CaseError, ...]


@dataclass(frozen=True)
class Models:
    """A bundle with its networks in memory."""

    bundle: Bundle
    members: Sequence[Member]
    device: torch.device

    @classmethod
    def of(cls, bundle: Bundle, device: str = "auto") -> Models:
        """Raises UsageError as loading a model does."""
        return cls(bundle, load_members(bundle), pick_device(device))

    def predict(self, path: Path, case: str, sides: Sequence[str]) -> Predicted:
        """What one file, called `case`, gives; never raises a CaseError."""
        bundle = self.bundle
        try:
            read = read_hips(
                path, case, sides, bundle.size_px, bundle.canonical_side, bundle.imaging
            )
        except CaseError as error:
            return Predicted(path, case, None, (), (error,))
        hips = tuple(estimate_hip(hip, bundle, self.members, self.device) for hip in read.hips)
        return Predicted(path, case, read, hips, read.refused)


def predict(
    bundle: Bundle, paths: Sequence[Path], sides: Sequence[str], device: str = "auto"
) -> Iterator[Predicted]:
    """Predict file after file. Radiographs are named by their number: a file's own name may tell
    the patient's, and so may its header, of which nothing is kept."""
    models = Models.of(bundle, device)
    for number, path in enumerate(paths, 1):
        yield models.predict(path, NAME.format(number=number), sides)


def write_pictures(folder: Path, found: Predicted, bundle: Bundle, dicom: bool) -> None:
    """Write what belongs to one radiograph: per hip the overview and the projection as NIfTI, and
    both as DICOM where that is wanted. Projections lie as the radiograph shows the hip."""
    from PIL import Image as Picture

    if found.read is None:
        return
    radiograph = found.read.radiograph
    for hip in found.hips:
        names = {"case": found.case, "side": hip.hip.side}
        window = hip.hip.window
        pixels = overview(found.case, radiograph.image, hip, bundle)
        with atomic_path(folder / OVERVIEW.format(**names)) as part:
            Picture.fromarray(pixels).save(part)
        projection = Image(as_taken(hip.projection, hip), window.spacing_mm, bundle.projection_unit)
        corner = {"left_mm": window.left_mm, "top_mm": window.top_mm}
        write_image(folder / PROJECTION.format(**names), projection, {**names, **corner})
        if dicom:
            from bmdpipe.report.bundle.dicom import write_overview, write_projection

            key = f"{radiograph.digest}/{hip.hip.side}"
            write_overview(folder / OVERVIEW_DICOM.format(**names), pixels, found.case, key)
            write_projection(
                folder / PROJECTION_DICOM.format(**names),
                projection,
                found.case,
                hip.hip.side,
                key,
            )


def write_tables(folder: Path, outcomes: Sequence[Predicted], bundle: Bundle) -> None:
    """Write predictions.tsv and, with all that is behind it, predictions.json."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for outcome in outcomes:
        for hip in outcome.hips:
            writer.writerows(e.row(outcome.case, hip.hip.side) for e in hip.estimates)
    write_text(folder / PREDICTIONS, stream.getvalue())
    record = {
        "research_only": True,
        "virtual": bundle.virtual,
        "experiment": bundle.experiment,
        "provenance": dict(bundle.provenance),
        "radiographs": [_described(outcome) for outcome in outcomes],
    }
    write_json(folder / RECORD, record)


def _described(outcome: Predicted) -> dict[str, Any]:
    """Codes and their meaning only: a hint may hold the file's name."""
    described: dict[str, Any] = {
        "radiograph": outcome.case,
        "refused": [{"code": e.code, "meaning": MEANING[e.code]} for e in outcome.refused],
        "hips": [_hip(hip) for hip in outcome.hips],
    }
    if outcome.read is not None:
        radiograph = outcome.read.radiograph
        described |= {
            "digest": radiograph.digest,
            "spacing_mm": list(radiograph.image.spacing_mm),
            "spacing_source": radiograph.spacing_source,
            "inverted": radiograph.inverted,
            "warnings": [{"code": w.code, "text": w.text} for w in radiograph.warnings],
        }
    return described


def _hip(found: HipEstimate) -> dict[str, Any]:
    return {
        "side": found.hip.side,
        "window": asdict(found.hip.window),
        "statistics": dict(found.statistics),
        "strange": list(found.strange),
        "estimates": [asdict(estimate) for estimate in found.estimates],
    }
