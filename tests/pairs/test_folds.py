from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.errors import UsageError
from bmdpipe.pairs.folds import (
    check_folds,
    deal_folds,
    deal_rest,
    held_out_subjects,
    read_folds,
    training_subjects,
    write_folds,
)


@given(
    n_folds=st.integers(2, 6),
    values=st.lists(st.one_of(st.none(), st.floats(0.3, 1.5)), min_size=12, max_size=60),
    seed=st.integers(0, 5),
)
def test_everybody_in_one_fold_evenly_and_again(n_folds, values, seed):
    bmd = {f"S{i}": value for i, value in enumerate(values)}
    folds = deal_folds(bmd, n_folds, seed)
    assert set(folds) == set(bmd)
    sizes = Counter(folds.values())
    assert set(sizes) == set(range(n_folds))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert deal_folds(dict(reversed(bmd.items())), n_folds, seed) == folds
    for fold in range(n_folds):
        inside, outside = held_out_subjects(folds, fold), training_subjects(folds, fold)
        assert not inside & outside
        assert inside | outside == set(bmd)


def test_folds_span_the_range():
    """Each run of five neighbours in BMD is dealt to five folds, so fold means nearly agree."""
    rng = np.random.default_rng(0)
    bmd = {f"S{i}": float(v) for i, v in enumerate(rng.normal(0.76, 0.15, 100))}
    folds = deal_folds(bmd, 5, 0)
    ordered = sorted(bmd, key=bmd.__getitem__)
    for start in range(0, 100, 5):
        assert {folds[s] for s in ordered[start : start + 5]} == set(range(5))


def test_the_seed_matters():
    bmd = {f"S{i}": float(i) for i in range(40)}
    assert deal_folds(bmd, 2, 0) != deal_folds(bmd, 2, 1)


def test_dataset_a_stands_apart(tmp_path):
    """Its folds are even, and neither dataset is read as the other."""
    folds = deal_folds({f"S{i}": float(i) for i in range(8)}, 2, 0)
    rest = deal_rest([f"A{i}" for i in range(7)], 2, 0)
    assert sorted(Counter(rest.values()).values()) == [3, 4]
    write_folds(tmp_path / "folds.tsv", folds, rest)
    assert read_folds(tmp_path / "folds.tsv") == folds
    assert read_folds(tmp_path / "folds.tsv", "A") == rest


def test_too_few_subjects_is_answered_with_advice():
    with pytest.raises(UsageError, match=r"lower folds\.n_folds to 2"):
        deal_folds({f"S{i}": None for i in range(5)}, 3, 0)


def test_there_and_back(tmp_path):
    folds = deal_folds({f"{i:03d}": float(i) for i in range(8)}, 2, 0)
    write_folds(tmp_path / "folds.tsv", folds)
    assert read_folds(tmp_path / "folds.tsv") == folds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("subject\tfold\nA\t0\nA\t1\n", "more than once"),
        ("subject\tfold\nA\tx\n", "no numbers"),
        ("subject\tpart\nA\t0\n", "columns"),
    ],
)
def test_a_bad_table_is_refused(tmp_path, text, told):
    (tmp_path / "f.tsv").write_text(text)
    with pytest.raises(UsageError, match=told):
        read_folds(tmp_path / "f.tsv")


@pytest.mark.parametrize(
    ("folds", "told"),
    [
        ({"A": 0, "B": 0, "C": 1}, "no fold to 1"),
        ({"A": 0, "B": 0, "C": 1, "D": 1, "E": 2, "F": 2}, "n_folds is 2"),
        ({"A": 0, "B": 0, "C": 0, "D": 1}, "fold 1 has 1"),
        ({"A": 0, "B": 0, "C": 0, "D": 0}, "fold 1 has 0"),
    ],
)
def test_a_users_folds_are_checked_against_the_cohort(folds, told):
    with pytest.raises(UsageError, match=told):
        check_folds(folds, ["A", "B", "C", "D"], 2, "mine.tsv")


def test_empty_or_whole_folds_are_refused():
    with pytest.raises(UsageError, match="empty"):
        held_out_subjects({"A": 0}, 1)
    with pytest.raises(UsageError, match="every subject"):
        training_subjects({"A": 0, "B": 0}, 0)
