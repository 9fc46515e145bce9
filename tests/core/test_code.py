"""The code hash changes with what a module does, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bmdpipe.core.code import Code

CODE = Path(__file__).resolve().parents[2] / "bmdpipe" / "core" / "code.py"
LIBRARY = '"""Doc."""\n\n\ndef double(x):\n    """Twice."""\n    return 2 * x\n'


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "bmdpipe"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "library.py").write_text(LIBRARY)
    (folder / "other.py").write_text("def three():\n    return 3\n")
    (folder / "user.py").write_text(
        "def use():\n    from bmdpipe.library import double\n    return double(1)\n"
    )
    return folder


def hash_of_user(package: Path) -> str:
    """In a process of its own, in which `bmdpipe` is this package; with the notes of the last."""
    program = (
        "import importlib.util as u, json, pathlib, sys; "
        f"s = u.spec_from_file_location('code_of_ours', {str(CODE)!r}); "
        "m = u.module_from_spec(s); sys.modules[s.name] = m; s.loader.exec_module(m); "
        "p = pathlib.Path('notes.json'); "
        "c = m.Code(json.loads(p.read_text()) if p.exists() else None); "
        "print(c.hash('bmdpipe.user')); assert c.learnt or p.exists(); "
        "p.write_text(json.dumps(c.notes))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_lazily_imported_module_counts(package):
    before = hash_of_user(package)
    (package / "library.py").write_text(LIBRARY.replace("2 * x", "3 * x"))
    assert hash_of_user(package) != before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "# a comment\n" + text,
        lambda text: text.replace("Twice.", "Two times the value."),
        lambda text: text.replace("    return", "\n    return  "),
        lambda text: text.replace('"""Doc."""\n', ""),
    ],
    ids=["comment", "docstring", "white space", "no docstring"],
)
def test_what_does_not_run_does_not_count(package, edit):
    before = hash_of_user(package)
    changed = edit(LIBRARY)
    assert changed != LIBRARY
    (package / "library.py").write_text(changed)
    assert hash_of_user(package) == before


def test_an_unrelated_module_does_not_count(package):
    before = hash_of_user(package)
    (package / "other.py").write_text("def three():\n    return 4\n")
    assert hash_of_user(package) == before


def test_the_closure_holds_parents_and_indirect_imports():
    closure = Code().closure("workflow_scripts.job")
    assert {"workflow_scripts", "bmdpipe", "bmdpipe.core.codes", "bmdpipe.core.errors"} <= closure


def test_notes_give_the_same_hashes_and_spare_the_parsing():
    first = Code()
    hashed = first.hash("workflow_scripts.simulate"), first.hash("workflow_scripts.predict")
    second = Code(first.notes)
    assert hashed == (
        second.hash("workflow_scripts.simulate"),
        second.hash("workflow_scripts.predict"),
    )
    assert first.learnt
    assert not second.learnt


@pytest.mark.parametrize(
    "stage",
    ["simulate", "import_subject", "calibrate", "segment", "roi", "register", "project", "pairs"],
)
def test_a_new_key_of_the_study_reruns_nothing_before_the_trainings(stage):
    closure = Code().closure(f"workflow_scripts.{stage}")
    assert not {f"bmdpipe.core.config.{name}" for name in ("study", "training", "root")} & closure
