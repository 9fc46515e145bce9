"""A cohort's segmentation network as a folder that `segmentation.trained` of any config names."""

from __future__ import annotations

import shutil
from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import MANIFEST, MODEL, QUALITY, WEIGHTS
from bmdpipe.core.layout import Layout

SUBJECTS = ("trained_on", "held_out")
"""What names subjects; their CTs' digests stay, by which a subject of the training is refused."""
LINES = ("fitted_on", "lines")
"""What is kept of the quality's fit; its points name subjects."""


def export_network(results: Path, cohort: str, fold: int, out: Path) -> str:
    """Copy a fold's network, its quality line and its manifest; returns a sentence on it.

    Subject codes stay behind: their number is written instead. Raises UsageError where the fold's
    network or line does not exist, or the folder is not empty.
    """
    layout = Layout(str(results), cohort)
    trained = Path(layout.at("segment_train", fold=fold))
    quality = Path(layout.at("segment_quality", fold=fold)) / QUALITY
    for path in (trained / WEIGHTS, trained / MODEL, quality):
        if not path.is_file():
            raise UsageError(f"{path} does not exist: run the workflow to segment_quality first")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty")
    out.mkdir(parents=True, exist_ok=True)
    model = read_json(trained / MODEL)
    counts = {f"n_{name}": len(model.pop(name)) for name in SUBJECTS if name in model}
    write_json(out / MODEL, model | counts)
    fitted = read_json(quality)
    write_json(out / QUALITY, {name: fitted[name] for name in LINES})
    shutil.copyfile(trained / MANIFEST, out / MANIFEST)
    shutil.copyfile(trained / WEIGHTS, out / WEIGHTS)
    return f"{out}: name this folder in segmentation.trained"
