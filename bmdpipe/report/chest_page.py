"""The page of the study of bone suppression: the seed's tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import EVALUATION, EXPLANATION, HISTORY
from bmdpipe.evaluation.suppression_study import INPUT
from bmdpipe.explain.titles import TITLES
from bmdpipe.report.curves import draw, read_history
from bmdpipe.report.pictures import embed, embed_png
from bmdpipe.report.study_page import CHECKS, COLUMNS, StudyFolders, as_configured
from bmdpipe.report.templating import render
from bmdpipe.training.structural import WEIGHTS, scales_of

IMAGE_COLUMNS = {"mae": "MAE", "psnr": "PSNR (dB)", "ssim": "SSIM", "ms_ssim": "MS-SSIM"}
DIGITS = {"mae": 4, "psnr": 2, "ssim": 4, "ms_ssim": 4}


def chest_page(folders: StudyFolders, width: int, written: str) -> str:
    """The HTML; `written` is the date to print."""
    evaluated = read_json(folders.evaluate / EVALUATION)
    known = {name for result in evaluated["models"].values() for name in result["metrics"]}
    return render(
        "bone_suppression.html",
        written=written,
        evaluated=evaluated,
        images=as_configured(evaluated["images"], [INPUT, *folders.training]),
        explained=read_json(folders.explain / EXPLANATION)["models"],
        virtual=evaluated["virtual"],
        image_columns=IMAGE_COLUMNS,
        digits=DIGITS,
        scales=scales_of((evaluated["size_px"],) * 2),
        all_scales=len(WEIGHTS),
        columns={name: heading for name, heading in COLUMNS.items() if name in known},
        checks=CHECKS,
        titles=TITLES,
        sheet=[embed(folders.evaluate / "suppression.png", 2 * width, "held-out pairs")],
        figures=[
            embed(folders.evaluate / f"{name}.png", width, name.replace("_", " "))
            for name in ("roc", "confusion_original", "confusion_suppressed", "reliability")
        ],
        maps=[embed(folders.explain / "maps.png", 2 * width, "held-out diseased cases")],
        curves=_curves(folders.training),
    )


def _curves(training: Mapping[str, Sequence[Path]]) -> list:
    return [
        embed_png(draw({k: read_history(f / HISTORY) for k, f in enumerate(each)}), model)
        for model, each in training.items()
    ]
