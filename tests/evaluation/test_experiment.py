"""From the folds' tables to the evaluation of an experiment, by the script itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.atomic import read_json
from bmdpipe.core.errors import UsageError
from bmdpipe.core.layout import Layout
from bmdpipe.evaluation.agreement import pcc
from bmdpipe.evaluation.predictions import read_predictions, sample_of
from workflow_scripts.evaluate import evaluate
from workflow_scripts.job import Job

COLUMNS = [
    *("case", "subject", "radiograph", "positioning", "side", "fold", "target"),
    *("bmd_true", "bmd_pred", "bmd_projection", "flags"),
]
POSITIONINGS = ("standing", "supine", "abduction")


def table(folder: Path, fold: int, subjects: range, projection: bool = True) -> Path:
    random = np.random.default_rng(fold)
    lines = ["\t".join(COLUMNS)]
    for subject in subjects:
        for target, mean, sd in (("dxa", 0.76, 0.15), ("qct", 290.0, 57.0)):
            truth = mean + sd * random.normal()
            for positioning in POSITIONINGS:
                estimate = truth + 0.3 * sd * random.normal()
                exact = f"{truth + 0.1 * sd * random.normal():.5f}" if projection else ""
                name = f"V{subject:03d}"
                lines.append(
                    f"{name}/{positioning}/R\t{name}\t{positioning}\t{positioning}\tR\t{fold}\t"
                    f"{target}\t{truth:.5f}\t{estimate:.5f}\t{exact}\t"
                )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "predictions.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(tmp_path: Path, virtual: bool = True, projection: bool = True) -> tuple[dict, Path, object]:
    layout = Layout(str(tmp_path), "c")
    for fold in range(2):
        at = Path(layout.at("predict", experiment="e", fold=fold))
        table(at, fold, range(6 * fold, 6 * fold + 6), projection)
    config = {
        "evaluation": {"bootstrap_samples": 20},
        "targets": ["dxa", "qct"],
        "folds": 2,
        "virtual": virtual,
    }
    job = Job("evaluate", layout, {"experiment": "e"}, config, {}, 1, "")
    out = tmp_path / "out"
    out.mkdir()
    outcome = evaluate(job, out)
    return read_json(out / "evaluation.json"), out, outcome


def test_the_evaluation_pools_the_held_out_cases_of_all_folds(tmp_path: Path) -> None:
    result, out, outcome = run(tmp_path)
    rows = read_predictions(tmp_path.glob("c/predict/e/fold*/predictions.tsv"))
    for target, unit in (("dxa", "g/cm2"), ("qct", "mg/cm3")):
        found = result["targets"][target]
        sample = sample_of([row for row in rows if row.target == target])
        assert found["metrics"]["pcc"]["value"] == pcc(sample.truth, sample.estimate)
        assert (found["unit"], found["n_cases"], found["n_subjects"]) == (unit, 36, 12)
        assert found["true_projection"]["mae"]["value"] < found["metrics"]["mae"]["value"]
        assert set(found["by_positioning"]) == set(POSITIONINGS)
        assert found["by_positioning"]["supine"]["pcc"]["n"] == 12
        assert outcome.metrics.values[f"{target}_pcc"] == found["metrics"]["pcc"]["value"]  # type: ignore[attr-defined]
        for picture in (f"scatter_{target}.png", f"bland_altman_{target}.png"):
            assert (out / picture).read_bytes().startswith(b"\x89PNG")
            assert picture in outcome.metrics.artefacts  # type: ignore[attr-defined]
    assert "images" not in result


def test_a_method_without_projections_says_so(tmp_path: Path) -> None:
    result, _, _ = run(tmp_path, projection=False)
    found = result["targets"]["dxa"]
    assert found["true_projection"] == {}
    assert "0 cases" in found["true_projection_left_out"]["pcc"]


def test_a_virtual_cohort_is_named_in_the_figures(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, virtual, _ = run(tmp_path / "a", virtual=True)
    _, real, _ = run(tmp_path / "b", virtual=False)
    picture = "scatter_dxa.png"
    assert (virtual / picture).read_bytes() != (real / picture).read_bytes()


def test_a_subject_in_two_folds_is_refused(tmp_path: Path) -> None:
    first = table(tmp_path / "0", 0, range(3))
    second = table(tmp_path / "1", 1, range(2, 5))
    other_hip = second.read_text(encoding="utf-8").replace("/R\t", "/L\t")
    second.write_text(other_hip, encoding="utf-8")
    with pytest.raises(UsageError, match="V002 stands in two folds"):
        read_predictions([first, second])
    with pytest.raises(UsageError, match="twice"):
        read_predictions([first, first])


def test_rows_without_a_true_value_are_counted_and_not_measured(tmp_path: Path) -> None:
    path = table(tmp_path, 0, range(4))
    text = path.read_text(encoding="utf-8").splitlines()
    cells = text[1].split("\t")
    cells[COLUMNS.index("bmd_true")] = ""
    path.write_text("\n".join([text[0], "\t".join(cells), *text[2:]]), encoding="utf-8")
    rows = [row for row in read_predictions([path]) if row.target == "dxa"]
    assert rows[0].bmd_true is None
    assert len(sample_of(rows)) == len(rows) - 1
