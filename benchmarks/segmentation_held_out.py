"""How good a trained network is on virtual subjects that it never saw, as they are and made worse.

`python benchmarks/segmentation_held_out.py <results folder> <cohort> <network folder> <rows>`
segments every annotated subject that the network's `model.json` names neither as trained on nor
as held out for the line, from the import of a finished run, and then copies whose look is made
worse as `segment_quality` makes them; the config is `segmentation_held_out.yaml` beside this file.
A row per structure goes to the file of JSON lines `<rows>`; subjects that it holds already are left
alone, so that a killed run goes on. Ends with tables for the documentation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.loading import load_config
from bmdpipe.core.files import CT, EXPERT_LABELS, MODEL, QUALITY, SUBJECT, WEIGHTS
from bmdpipe.evaluation.stages.segmentation import segmentation_errors
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.segmentation.quality import QualityLine
from bmdpipe.segmentation.quality_fit import quality_points
from bmdpipe.segmentation.saved import restore
from bmdpipe.segmentation.slices import Annotated
from bmdpipe.segmentation.subject import segment_subject

CPU = torch.device("cpu")
STRUCTURES = {"pelvis": ("pelvis",), "femur": ("femur_r", "femur_l")}
CONFIG = load_config(Path(__file__).with_suffix(".yaml")).segmentation


def measure(imported: Path, network_folder: Path, subject: str) -> Iterator[dict[str, Any]]:
    """A row per structure of the CT as it is (`worsened` is absent), then of its copies."""
    net, network = restore(network_folder / WEIGHTS, read_json(network_folder / MODEL))
    stored = read_json(network_folder / QUALITY)["lines"]
    lines = {name: QualityLine(**line) for name, line in stored.items()}

    def read(name: str) -> Annotated:
        folder = imported / name
        return Annotated(name, read_volume(folder / CT), read_volume(folder / EXPERT_LABELS))

    annotated = read(subject)
    side = read_json(imported / subject / SUBJECT)["side"]
    found = segment_subject(net, annotated.ct, subject, side, network, lines, CONFIG, CPU)
    predicted = {name: vars(measured) for name, measured in found.structures.items()}
    for row in segmentation_errors(found.labels, annotated.labels, predicted):
        yield {"subject": subject, "voxel_mm": annotated.ct.spacing_mm, **row}
    for name, points in quality_points(net, network, [subject], read, CONFIG, CPU).items():
        for point in points:
            expected = lines[name].dice(point.variance)
            yield {
                "subject": subject,
                "structure": name,
                "worsened": point.worsened,
                "dice": point.dice,
                "predicted_dice": expected,
            }


def tables(rows: list[dict[str, Any]]) -> str:
    """Dice and surface distance of the CTs as they are, and the predicted against the true Dice of
    all copies, good ones (a Dice of 0.9 or more) and bad ones apart."""
    plain = [row for row in rows if "worsened" not in row]
    copies = [row for row in rows if "worsened" in row]
    lines = [
        f"{len({row['subject'] for row in plain})} subjects, voxels of "
        + ", ".join(sorted({" x ".join(f"{s:.2g}" for s in row["voxel_mm"]) for row in plain}))
        + " mm",
        "| | n | Dice, median | worst | surface distance, median | worst |",
        "|---|---|---|---|---|---|",
    ]
    for name, parts in STRUCTURES.items():
        own = [row for row in plain if row["structure"] in parts]
        dice = np.array([row["dice"] for row in own])
        apart = np.array([row["asd_mm"] for row in own])
        lines.append(
            f"| {name} | {len(own)} | {np.median(dice):.3f} | {dice.min():.3f} | "
            f"{np.median(apart):.2f} mm | {apart.max():.2f} mm |"
        )
    lines += [
        "| | copies | true Dice | rank correlation | mean error, good | mean error, bad | worst |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in STRUCTURES:
        own = [row for row in copies if row["structure"] == name]
        true = np.array([row["dice"] for row in own])
        expected = np.array([row["predicted_dice"] for row in own])
        off = np.abs(expected - true)
        parts = (off[true >= 0.9], off[true < 0.9])
        means = " | ".join(
            f"{part.mean():.3f} (n = {part.size})" if part.size else "–" for part in parts
        )
        lines.append(
            f"| {name} | {len(own)} | {true.min():.2f} to {true.max():.2f} | "
            f"{spearmanr(expected, true).statistic:.2f} | {means} | {off.max():.2f} |"
        )
    return "\n".join(lines)


def main(imported: Path, network_folder: Path, out: Path) -> None:
    rows = [json.loads(line) for line in out.read_text().splitlines()] if out.is_file() else []
    model = read_json(network_folder / MODEL)
    seen = {*model["trained_on"], *model["held_out"], *(row["subject"] for row in rows)}
    annotated = sorted(path.parent.name for path in imported.glob(f"*/{EXPERT_LABELS}"))
    for subject in annotated:
        if subject in seen:
            continue
        own = list(measure(imported, network_folder, subject))
        with out.open("a") as stream:
            stream.write("".join(json.dumps(row) + "\n" for row in own))
        rows += own
        print(subject, *(f"{r['structure']} {r['dice']:.3f}" for r in own[:3]), flush=True)
    print(tables(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    for name in ("cohort", "network", "rows"):
        parser.add_argument(name)
    args = parser.parse_args()
    main(args.results / args.cohort / "import", Path(args.network), Path(args.rows))
