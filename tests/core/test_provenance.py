"""The code hash changes with what a module does, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.provenance import canonical_json, import_closure

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
    """In a process of its own, because the hash of a source is kept for a process's life."""
    source = Path(__file__).resolve().parents[2] / "bmdpipe" / "core" / "provenance.py"
    program = (
        "import importlib.util as u; "
        f"s = u.spec_from_file_location('provenance', {str(source)!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); "
        "print(m.code_hash('bmdpipe.user'))"
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
    closure = import_closure("workflow_scripts.job")
    assert {"workflow_scripts", "bmdpipe", "bmdpipe.core.codes", "bmdpipe.core.errors"} <= closure


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), json_values))
def test_key_order_does_not_matter(value):
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@pytest.mark.parametrize(
    "stage",
    ["simulate", "import_subject", "calibrate", "segment", "roi", "register", "project", "pairs"],
)
def test_a_new_key_of_the_study_reruns_nothing_before_the_trainings(stage: str) -> None:
    closure = import_closure(f"workflow_scripts.{stage}")
    assert not {f"bmdpipe.core.config.{name}" for name in ("study", "training", "root")} & closure
