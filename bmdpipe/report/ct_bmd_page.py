"""The page of the study of CT to BMD: the seed's table and figures, by region and target."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import EVALUATION, EXPLANATION, HISTORY, QC
from bmdpipe.explain.titles import TITLES
from bmdpipe.report.curves import draw, read_history
from bmdpipe.report.pictures import embed, embed_png
from bmdpipe.report.study_page import CHECKS, StudyFolders, as_configured
from bmdpipe.report.templating import render

COLUMNS = {"pcc": "PCC", "icc_a1": "ICC(A,1)", "mae": "MAE", "see": "SEE", "bias": "bias"}
REGION = {
    "cropped": "case 1: cropped",
    "vertebra": "case 2: entire vertebra masked",
    "body": "case 3: vertebral body masked",
}
TARGET = {"dxa": "DXA-BMD", "qct": "QCT-BMD"}


def ct_bmd_page(folders: StudyFolders, data: Path, segment: Path, width: int, written: str) -> str:
    """The HTML; `data` and `segment` are the folders of these stages, `written` the date."""
    evaluated = read_json(folders.evaluate / EVALUATION)
    explained = read_json(folders.explain / EXPLANATION)["models"]
    results = as_configured(evaluated["models"], folders.training)
    names = {
        model: f"{REGION[model.rsplit('_', 1)[0]]}, {TARGET[model.rsplit('_', 1)[1]]}"
        for model in results
    }
    return render(
        "ct_bmd.html",
        written=written,
        evaluated=evaluated,
        results=results,
        explained=as_configured(explained, results),
        virtual=evaluated["virtual"],
        names=names,
        columns=COLUMNS,
        checks=CHECKS,
        titles=TITLES,
        views=[
            embed(folder / QC, 2 * width, label)
            for folder, label in ((segment, "segmentation"), (data, "the three cases"))
            if (folder / QC).exists()
        ],
        scatter=[
            embed(folders.evaluate / f"scatter_{model}.png", width, name)
            for model, name in names.items()
        ],
        maps=[
            embed(folders.explain / f"maps_{model}.png", width, name)
            for model, name in names.items()
        ],
        curves=[
            embed_png(
                draw({k: read_history(f / HISTORY) for k, f in enumerate(each)}), names[model]
            )
            for model, each in folders.training.items()
        ],
    )
