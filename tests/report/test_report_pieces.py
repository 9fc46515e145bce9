from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bmdpipe.report.captions import STAGE_CAPTIONS, figure_caption
from bmdpipe.report.cohort_page import spread
from bmdpipe.report.curves import draw, read_history, training_curves
from bmdpipe.report.jobs import CT_ONLY, PREPARATION
from bmdpipe.report.numbers import duration, number
from bmdpipe.report.pictures import embed, pictures_in
from bmdpipe.report.results_table import results_tables
from bmdpipe.report.stage_statistics import measured, stage_errors
from bmdpipe.report.summary import summarise
from bmdpipe.report.timing import stage_times


@given(st.floats(-1e6, 1e6))
def test_a_printed_number_is_close_to_the_number(value: float) -> None:
    printed = float(number(value).replace("\N{MINUS SIGN}", "-"))
    assert printed == pytest.approx(value, rel=0.006)


@given(st.lists(st.text(), unique=True), st.integers(0, 12))
def test_examples_are_spread_from_first_to_last(items: list[str], n: int) -> None:
    chosen = spread(items, n)
    assert len(chosen) == len(set(chosen)) == min(n, len(items))
    assert chosen == [item for item in items if item in chosen]
    if n > 1 and items:
        assert chosen[0] == items[0]
        assert chosen[-1] == items[-1]


def test_words_for_nothing_and_for_times() -> None:
    assert number(None) == "–"
    assert (duration(59.0), duration(120.0), duration(7200.0)) == ("59.0 s", "2.0 min", "2.0 h")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16"])
def test_a_wide_picture_is_scaled_and_keeps_its_shape(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (400, 100)).save(tmp_path / "a.png")
    picture = embed(tmp_path / "a.png", 200, "a")
    assert (picture.width, picture.height) == (200, 50)
    with Image.open(io.BytesIO(base64.b64decode(picture.uri.split(",", 1)[1]))) as image:
        assert image.size == (200, 50)


def test_a_photograph_is_embedded_smaller_than_it_was(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(128, 20, (400, 500)).clip(0, 255).astype("uint8")
    Image.fromarray(noise).save(tmp_path / "a.png")
    picture = embed(tmp_path / "a.png", 500, "a")
    assert picture.uri.startswith("data:image/jpeg")
    assert len(picture.uri) < (tmp_path / "a.png").stat().st_size


def test_the_truth_s_pictures_are_never_shown(tmp_path: Path) -> None:
    for name in ("qc.png", "truth/labels.png", "overlays/standing.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    assert [path.name for path in pictures_in(tmp_path)] == ["standing.png", "qc.png"]


def test_the_best_experiment_is_marked_and_the_reference_told_once(
    tree: Any, manifest: dict[str, Any]
) -> None:
    tree.evaluation("decomposition-regression", pcc=0.95)
    experiments = summarise(tree.run, manifest)["studies"]["hip_bmd"]["experiments"]
    dxa, qct = results_tables(experiments)
    assert dxa.headings[:1] == ("PCC ↑",)
    assert "MAE (g/cm²) ↓" in dxa.headings
    assert "MAE (mg/cm³) ↓" in qct.headings
    best = [row.name for row in dxa.rows if row.cells[0].best]
    assert best == ["decomposition-regression"]
    assert [row.name for row in dxa.rows if row.reference] == ["true projection"]


def test_a_metric_that_was_not_measured_is_a_dash(tree: Any, manifest: dict[str, Any]) -> None:
    experiments = summarise(tree.run, manifest)["studies"]["hip_bmd"]["experiments"]
    del experiments["conventional"]["targets"]["dxa"]["metrics"]["rms_cv"]
    table = results_tables(experiments)[0]
    assert table.rows[0].cells[-1].value == "–"


def test_both_ends_of_a_metric_are_named() -> None:
    (row,) = measured({"dice": {"S1": 0.9, "S2": 0.5, "S3": 0.7}})
    assert (row.low, row.low_subject, row.high, row.high_subject) == (0.5, "S2", 0.9, "S1")
    assert (row.mean, row.median, row.n) == (pytest.approx(0.7), 0.7, 3)


def test_a_stage_s_errors_stand_as_a_whole_before_its_groups() -> None:
    dice = {"label": "Dice", "n": 1}
    stage = {
        "rows": [{"dice": 1}],
        "by_structure": {"femur_r": {"dice": dice}},
        "summary": {"dice": dice},
    }
    found = stage_errors({"virtual": True, "stages": {"segment": stage, "roi": {"summary": {}}}})
    assert [error.stage for error in found] == ["segment", "segment, right femur"]
    assert stage_errors(None) == []


def test_seconds_are_summed_over_a_stage_s_jobs(tree: Any) -> None:
    (time,) = stage_times(tree.run.layout)
    assert (time.stage, time.jobs, time.total_s, time.longest_s) == ("calibrate", 4, 14.0, 5.0)
    assert time.peak_mb == 210.5


def test_a_history_is_read_without_its_holes(tmp_path: Path) -> None:
    path = tmp_path / "history.tsv"
    path.write_text("epoch\tloss\tvalidation\n0\t2.0\t\n1\t1.0\tnan\n2\t0.5\t0.75\n")
    assert read_history(path) == {
        "loss": [(0.0, 2.0), (1.0, 1.0), (2.0, 0.5)],
        "validation": [(2.0, 0.75)],
    }


def test_curves_are_drawn_even_for_one_epoch() -> None:
    data = draw({0: {"loss": [(0.0, 1.0)]}, 1: {"loss": [(0.0, 100.0)], "rate": []}})
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"


def test_a_decomposer_that_two_experiments_share_is_drawn_once(tree: Any) -> None:
    names = [picture.label for picture in training_curves(tree.run)]
    assert names.count("decomposer main, stage one") == 1
    assert names.count("decomposer main, stage two") == 1
    assert "experiment decomposition-regression, stage three, DXA" in names
    assert "experiment conventional, conventional, QCT" in names


def test_every_stage_has_a_caption() -> None:
    assert set(STAGE_CAPTIONS) == {*PREPARATION, *CT_ONLY}
    assert "Fig. 6" in figure_caption("scatter_dxa").title
    assert "Fig. 9" in figure_caption("bland_altman_qct").title
    assert figure_caption("other_thing").title == "other thing"
