"""CT cases: their table, their views, their splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.config.ct_bmd import CtBmdConfig, SplitsConfig
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.volume import Volume
from bmdpipe.pairs.ct_cases import BODY, POSTERIOR, check_present, read_ct_cases
from bmdpipe.pairs.ct_slices import views
from bmdpipe.pairs.ct_store import read_ct_views, write_ct_views
from bmdpipe.pairs.splits import deal_splits

CONFIG = CtBmdConfig(size_px=48, field_mm=96.0, window_hu=(-200.0, 1000.0))
HEAD = "case\tsubject\tct\tannotation\tdxa_abmd_g_cm2\tqct_vbmd_mg_cm3\n"


def table(folder: Path, rows: str) -> Path:
    (folder / "cases.tsv").write_text(HEAD + rows, encoding="utf-8")
    return folder


def vertebra() -> tuple[Volume, Volume]:
    """A body of 40 x 30 mm at 400 HU and a posterior piece at 700 HU, off the middle."""
    hu = np.full((5, 80, 90), 0, np.int16)
    labels = np.zeros((5, 80, 90), np.uint8)
    labels[1:4, 20:35, 30:50], labels[1:4, 37:50, 38:42] = BODY, POSTERIOR
    hu[labels == BODY], hu[labels == POSTERIOR] = 400, 700
    grid = ((2.0, 2.0, 4.0), (-90.0, -70.0, 12.0))
    return Volume(hu, *grid, "HU"), Volume(labels, *grid, "label")


def test_a_table_is_read_with_values_that_may_be_missing(tmp_path: Path) -> None:
    cases = read_ct_cases(
        table(tmp_path, "a\ts1\tct/a\t\t0.9\t\nb\ts1\tb.nii.gz\tm.nii.gz\t\t120\n")
    )
    assert cases[0].values == {"dxa": 0.9, "qct": None}
    assert cases[1].annotation == tmp_path / "m.nii.gz"
    with pytest.raises(CaseError) as refusal:
        check_present(cases[0])
    assert refusal.value.code == "E_MISSING_FILE"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a\ts\tx\t\t1\t\na\ts\tx\t\t1\t\n", "twice"),
        ("a\ts\tx\t\t-1\t\n", "not positive"),
        ("a\ts\tx\t\tmuch\t\n", "no number"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_ct_cases(table(tmp_path, rows))


def test_views_have_the_areas_and_the_window_of_the_vertebra() -> None:
    ct, labels = vertebra()
    made = views(ct, labels, "v", CONFIG)
    pixel_mm2 = (CONFIG.field_mm / CONFIG.size_px) ** 2
    # A border through the middle of a pixel counts as inside: one row of 20 pixels here.
    assert (made["body"] > 0).sum() * pixel_mm2 == pytest.approx(40 * 30, abs=20 * pixel_mm2)
    both = 40 * 30 + 26 * 8
    assert (made["vertebra"] > 0).sum() * pixel_mm2 == pytest.approx(both, abs=24 * pixel_mm2)
    assert np.median(made["body"][made["body"] > 0]) == pytest.approx(0.5)
    assert made["cropped"][0, 0, 0] == pytest.approx(200 / 1200)
    inside = np.argwhere(made["body"][0] > 0)
    assert inside.mean(axis=0) == pytest.approx([23.5, 23.5], abs=0.6)


def test_no_value_elsewhere_changes_what_a_view_shows() -> None:
    ct, labels = vertebra()
    other = ct.array.copy()
    other[:, :5] = 3000
    first, second = (views(ct.like(a, "HU"), labels, "v", CONFIG) for a in (ct.array, other))
    for region in ("body", "vertebra"):
        np.testing.assert_array_equal(first[region], second[region])


def test_too_few_slices_or_no_body_are_refused() -> None:
    ct, labels = vertebra()
    more = CONFIG.model_copy(update={"slices": 5})
    assert views(ct, labels, "v", more)["body"].shape == (5, 48, 48)
    for bad, code in (
        (labels.like(np.where(labels.array == BODY, 0, labels.array), "label"), "E_SEGMENTATION"),
        (labels.like(np.roll(labels.array, -1, axis=0), "label"), "E_MISSING_SLICE"),
    ):
        with pytest.raises(CaseError) as refusal:
            views(ct, bad, "v", more)
        assert refusal.value.code == code


def test_folds_hold_everybody_out_once_and_random_splits_a_share() -> None:
    bmd_of = {f"s{k:02d}": float(k) for k in range(40)}
    folds = deal_splits(bmd_of, SplitsConfig(kind="folds", n=4))
    assert sorted(name for held in folds for name in held) == sorted(bmd_of)
    random = deal_splits(bmd_of, SplitsConfig(kind="random", n=10, held_out=0.2))
    assert [len(held) for held in random] == [8] * 10
    assert len({tuple(held) for held in random}) == 10
    with pytest.raises(UsageError, match="too few"):
        deal_splits(dict(list(bmd_of.items())[:8]), SplitsConfig(n=2, held_out=0.2))


def test_the_store_keeps_a_subject_on_one_side(tmp_path: Path) -> None:
    rows = "".join(
        f"c{k}\ts{k // 2}\tx\t\t{0.5 + 0.1 * k}\t{'' if k == 5 else 100 + k}\n" for k in range(8)
    )
    cases = read_ct_cases(table(tmp_path, rows))
    images = [np.full((1, 4, 4), k, np.float32) for k in range(8)]
    out = tmp_path / "out"
    out.mkdir()
    write_ct_views(out, cases, {"body": images}, [["s0", "s2"], ["s1"]])
    held = read_ct_views(out, "body", "dxa", 0).held_out(0)
    assert held.cases == ("c0", "c1", "c4", "c5")
    assert held.inputs[2, 0, 0, 0] == 4
    without = read_ct_views(out, "body", "qct", 0)
    assert "c5" not in without.cases
    assert set(without.training(0).groups).isdisjoint(without.held_out(0).groups)


def test_an_even_number_of_slices_has_no_middle() -> None:
    with pytest.raises(ValueError, match="odd"):
        CtBmdConfig(slices=2)
