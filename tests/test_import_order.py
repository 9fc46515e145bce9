"""Imports go one way: a module imports from its own folder or from one above it in the house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
ORDER = (
    "core",
    "imaging",
    "geometry",
    "projection",
    "virtual",
    "densitometry",
    "segmentation",
    "registration",
    "pairs",
    "models",
    "training",
    "evaluation",
    "explain",
    "report",
    "cli",
)
ONLY_IN = {"mlflow": {"report/tracking.py"}, "snakemake": set()}


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def offences(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package)
        for name in imports_of(path):
            top = name.split(".")[0]
            if top in ONLY_IN and place.as_posix() not in ONLY_IN[top]:
                found.append(f"{place} imports {top}")
            if top == "workflow_scripts":
                found.append(f"{place} imports the workflow")
            if top != "bmdpipe" or len(place.parts) < 2 or name == "bmdpipe":
                continue
            if ORDER.index(name.split(".")[1]) > ORDER.index(place.parts[0]):
                found.append(f"{place} imports {name}, which lies below it")
    return found


def test_every_folder_has_its_place_in_the_order():
    folders = {p.name for p in (REPOSITORY / "bmdpipe").iterdir() if (p / "__init__.py").exists()}
    assert folders == set(ORDER)


def test_imports_go_one_way():
    assert offences(REPOSITORY / "bmdpipe") == []


@pytest.mark.parametrize(
    "line",
    ["from bmdpipe.report import page", "import mlflow", "from workflow_scripts import job"],
)
def test_an_upward_import_is_found(tmp_path, line):
    package = tmp_path / "bmdpipe"
    (package / "core").mkdir(parents=True)
    (package / "core" / "bad.py").write_text(line + "\n")
    assert len(offences(package)) == 1
