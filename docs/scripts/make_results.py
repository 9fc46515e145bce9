"""Write docs/results.md from a finished run: `python docs/scripts/make_results.py results/demo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "results.md"
METRICS = {"pcc": "PCC", "icc_a1": "ICC(A,1)", "mae": "MAE", "see": "SEE", "rms_cv": "RMS-CV, %"}
DIGITS = {"g/cm2": 3, "mg/cm3": 1, "": 3, "%": 2}
TRUTH = {
    "calibrate": ("rod_200_error_percent", "density error of a 200 mg/cm3 rod"),
    "segment": ("dice", "Dice of pelvis and femora"),
    "roi": ("vbmd_error_percent", "vBMD error"),
    "register": ("reprojection_mean_mm", "reprojection distance of the bones' surface"),
    "project": ("mean_error_percent", "error of the mean projection of the proximal femur"),
}


def cell(metric: dict[str, Any] | None) -> str:
    if metric is None:
        return "–"
    digits = DIGITS.get(metric.get("unit", ""), 3)
    value = f"{metric['value']:.{digits}f}"
    if metric.get("ci_low") is None:
        return value
    return f"{value} [{metric['ci_low']:.{digits}f}, {metric['ci_high']:.{digits}f}]"


def table(experiments: dict[str, Any], target: str) -> Iterator[str]:
    unit = next(iter(experiments.values()))["targets"][target]["unit"]
    yield f"### {target.upper()}, {unit}\n"
    yield "| experiment | " + " | ".join(METRICS.values()) + " |"
    yield "|---|" + "---|" * len(METRICS)
    for name, experiment in experiments.items():
        found = experiment["targets"][target]["metrics"]
        yield f"| {name} | " + " | ".join(cell(found.get(key)) for key in METRICS) + " |"
    true = experiments["decomposition"]["targets"][target]["true_projection"]
    yield "| *true projection* | " + " | ".join(cell(true.get(key)) for key in METRICS) + " |\n"


def _tells(experiment: dict[str, Any]) -> bool:
    """Whether a model's correlation with the truth is above zero beyond its interval."""
    found = [target["metrics"]["pcc"] for target in experiment["targets"].values()]
    return any(pcc["ci_low"] is not None and pcc["ci_low"] > 0 for pcc in found)


def page(summary: dict[str, Any]) -> Iterator[str]:
    made = summary["manifest"]
    experiments = summary["studies"]["hip_bmd"]["experiments"]
    subjects = summary["subjects"]
    yield "# Results of the demo\n"
    yield (
        "**Virtual subjects: no clinical evidence, and not to be ranked against results on "
        "patients.** Written by `docs/scripts/make_results.py` from the `summary.json` of a "
        "`make demo`: "
        f"{subjects['used']} of {subjects['n']} subjects used, two folds by subject, commit "
        f"`{made['commit'][:10]}`{' with changes' * made['commit'].endswith('+')}, config "
        f"`{made['config_hash']}`, cohort seed "
        f"{made['seeds']['virtual.seed']}, training seed {made['seeds']['training.seed']}.\n"
    )
    yield (
        "All numbers are of held-out subjects, with 95 % intervals over subjects. Twelve training "
        "subjects and minutes of CPU are far too few to read BMD; the run shows that every part "
        "works. [learning.md](learning.md) tells what 60 and 120 subjects come to, and how the "
        "training settings were chosen: on virtual subjects of other seeds and, for the "
        "regression, of the same one.\n"
    )
    if not any(_tells(experiment) for experiment in experiments.values()):
        yield (
            "**No experiment reads BMD in this run:** every interval of a correlation includes "
            "zero. The true projection, which a perfect decomposition would give, does.\n"
        )
    yield (
        "The paper's Tables 2 and 3 on virtual subjects, with three training seeds: "
        "[tables.md](tables.md).\n"
    )
    for target in ("dxa", "qct"):
        yield from table(experiments, target)
    yield "### Stages against the virtual truth\n"
    yield "| stage | quantity | median | worst | n |"
    yield "|---|---|---|---|---|"
    for stage, (key, label) in TRUTH.items():
        found = summary["stages"]["stages"][stage]["summary"][key]
        unit = found["unit"]
        shown = f"{found['median']:.3g} {unit} | {found['worst']:.3g} {unit}"
        yield f"| {stage} | {label} | {shown} | {found['n']} |"


if __name__ == "__main__":
    run = json.loads((Path(sys.argv[1]) / "summary.json").read_text())
    TARGET.write_text("\n".join(page(run)) + "\n")
