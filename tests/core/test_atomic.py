"""Files and folders appear whole or not at all."""

from __future__ import annotations

import pytest

from bmdpipe.core.atomic import atomic_folder, atomic_path, read_json, write_json


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def fail():
        with atomic_path(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read_json(path) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_keeps_the_old_one(tmp_path):
    folder = tmp_path / "stage"
    with atomic_folder(folder) as part:
        (part / "x").write_text("old")

    def fail():
        with atomic_folder(folder) as part:
            (part / "x").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (folder / "x").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_is_replaced_without_leftovers(tmp_path):
    folder = tmp_path / "stage"
    for name in ("old", "new"):
        with atomic_folder(folder) as part:
            (part / name).write_text(name)
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []
