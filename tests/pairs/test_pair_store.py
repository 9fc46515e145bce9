import numpy as np
import pytest

from bmdpipe.core.errors import UsageError
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs import store
from bmdpipe.pairs.store import (
    KINDS,
    Case,
    kind_of,
    read_index,
    read_pairs,
    write_index,
    write_subject,
)

CAMERA = Camera(1200.5, (1.25, 1.5), (4, 8), (-3.25, 2.0))


def _folder(tmp_path):
    rng = np.random.default_rng(0)
    cases, stacks = [], {}
    for subject in ("001", "B", "C"):
        own = [
            Case(subject, p, p, side, row, side == "R", CAMERA, False, 1.2)
            for row, (p, side) in enumerate(
                (p, side) for p in ("standing", "supine") for side in "RL"
            )
        ]
        stacks[subject] = {kind: rng.random((4, 8, 4)).astype(np.float32) for kind in KINDS}
        write_subject(tmp_path, subject, stacks[subject])
        cases += own
    write_index(tmp_path, cases)
    return cases, stacks


def test_the_index_comes_back(tmp_path):
    cases, _ = _folder(tmp_path)
    assert read_index(tmp_path) == cases


def test_images_stay_with_their_cases(tmp_path):
    _, stacks = _folder(tmp_path)
    pairs = read_pairs(tmp_path, {"C", "001"}, ("radiograph", "pf"), ("supine",))
    assert [c.name for c in pairs.cases] == [
        f"{s}/supine/{side}" for s in ("001", "C") for side in "RL"
    ]
    for index, case in enumerate(pairs.cases):
        for kind in ("radiograph", "pf"):
            np.testing.assert_array_equal(
                pairs.images[kind][np.array([index])][0], stacks[case.subject][kind][case.row]
            )
    assert set(pairs.images) == {"radiograph", "pf"}


def test_images_are_read_when_they_are_asked_for(tmp_path):
    """The file changes after it was opened: a stack that had been read whole would not notice."""
    _folder(tmp_path)
    radiographs = read_pairs(tmp_path, {"B"}, ("radiograph",)).images["radiograph"]
    assert radiographs.shape == (4, 8, 4)
    with (tmp_path / "B.safetensors").open("r+b") as stream:
        stream.seek(-4, 2)  # radiographs come last in the file
        stream.write(np.float32(77.0).tobytes())
    assert radiographs[np.array([0, 3])][1, -1, -1] == 77.0


def test_uncalibrated_projections_are_asked_for_by_name(tmp_path):
    _folder(tmp_path)
    assert (kind_of("pf", "qct"), kind_of("pf", "ct")) == ("pf", "pf_ct")
    with pytest.raises(UsageError, match="have no pf_ct: set projection"):
        read_pairs(tmp_path, {"B"}, ("radiograph", kind_of("pf", "ct")))


def test_target_only(tmp_path):
    _folder(tmp_path)
    pairs = read_pairs(tmp_path, {"B"}, ("pf",), target_only=True)
    assert {case.side for case in pairs.cases} == {"R"}


def test_no_other_subjects_file_is_opened(tmp_path, monkeypatch):
    _folder(tmp_path)
    opened = []
    real = store._open_subject
    monkeypatch.setattr(store, "_open_subject", lambda p: (opened.append(p.name), real(p))[1])
    read_pairs(tmp_path, {"B", "C"}, ("bones",))
    assert opened == ["B.safetensors", "C.safetensors"]


def test_nothing_usable_is_said(tmp_path):
    _folder(tmp_path)
    with pytest.raises(UsageError, match="no hip image"):
        read_pairs(tmp_path, {"X"}, ("pf",))
