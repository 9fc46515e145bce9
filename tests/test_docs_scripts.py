"""The scripts behind the documents' figures import only what the library still has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted([*(ROOT / "docs" / "scripts").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])
OURS = ("bmdpipe", "workflow_scripts")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_what_a_script_imports_is_there(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text())):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] not in OURS:
            continue
        path = ROOT.joinpath(*(node.module or "").split("."))
        known = names_of(path.with_suffix(".py") if not path.is_dir() else path / "__init__.py")
        for name in (alias.name for alias in node.names):
            module = path / f"{name}.py"
            assert name in known or module.exists() or (path / name).is_dir(), (node.module, name)


def names_of(path: Path) -> set[str]:
    """What a module defines or imports, at whatever depth."""
    known: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            known |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return known
