"""Hashes that say what made a result: the code that a job imports, and its configuration."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = ("bmdpipe", "workflow_scripts")


def canonical_json(value: Any) -> str:
    """JSON in which equal values give equal bytes: sorted keys, no spaces, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """A short hash (16 hex digits of SHA-256) of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code_hash(*modules: str) -> str:
    """Hash of the modules and of everything of ours that they import, directly or not.

    Sources are parsed and their docstrings dropped, so that a comment, a docstring or white space
    changes nothing. Imports inside functions count; so do the C++ sources of an imported package.
    """
    closure = sorted(set().union(*(import_closure(module) for module in modules)))
    return digest("\n".join(f"{name} {_source_digest(name)}" for name in closure))


def import_closure(module: str) -> frozenset[str]:
    """Names of our modules that importing `module` can execute, itself included."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting.extend(_imports_of(name) | set(_parents(name)))
    return frozenset(seen)


@cache
def _tree(module: str) -> ast.Module:
    path = _source_path(module)
    if path is None:
        raise ModuleNotFoundError(module)
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _source_path(module: str) -> Path | None:
    """A module's file, found by its name alone: asking the import system would import its parents,
    and for `from a.b import c` the module `a.b` itself, torch and all."""
    top, *rest = module.split(".")
    home = _home(top)
    if home is None:
        return None
    place = home.joinpath(*rest)
    package, single = place / "__init__.py", place.with_name(f"{place.name}.py")
    if package.is_file():
        return package
    return single if rest and single.is_file() else None


@cache
def _home(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def _imports_of(module: str) -> frozenset[str]:
    names: set[str] = set()
    for node in _statements(_tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{module}: relative imports are not used in this code base")
            base = node.module or ""
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    ours = {name for name in names if name.split(".")[0] in PACKAGES}
    return frozenset(name for name in ours if _source_path(name) is not None)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node. Expressions hold none and are most of a tree: not walked."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, field, None)
        # The body of a lambda or of a conditional expression is no list.
        for statement in inner if isinstance(inner, list) else ():
            yield statement
            yield from _statements(statement)


def _parents(name: str) -> list[str]:
    """The packages whose `__init__` runs before a module does."""
    return [name.rsplit(".", n)[0] for n in range(1, name.count(".") + 1)]


@cache
def _source_digest(module: str) -> str:
    tree = _tree(module)
    for node in [tree, *_statements(tree)]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[1:] if documented else node.body
    return digest("\n".join([ast.dump(tree), *_native_sources(module)]))


def _native_sources(module: str) -> list[str]:
    """The C++ beside a package's `__init__`."""
    path = _source_path(module)
    if path is None or path.name != "__init__.py":
        return []
    beside = sorted(p for p in path.parent.iterdir() if p.suffix in (".cpp", ".hpp"))
    return [p.name + "\n" + p.read_text(encoding="utf-8") for p in beside]


def compiled_hash(package: Path) -> str:
    """Hash of every source of a package that numba compiles.

    numba's cache on disk looks at the file of the function that is called and not at those that it
    calls; a cache folder named by this hash is never stale.
    """
    sources = (path.read_bytes() for path in sorted(Path(package).rglob("*.py")))
    compiled = [source for source in sources if b"import numba" in source]
    return hashlib.sha256(b"".join(compiled)).hexdigest()[:16]


def file_hash(paths: Iterable[Path]) -> str:
    """Hash of the content of files, in the given order."""
    total = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()[:16]


def folder_state(folder: Path) -> str:
    """Hash of the names, sizes and times of change of all files in a folder; of one file alike."""
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            status = path.stat() if path.exists() else path.lstat()
            found.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return digest("\n".join(found))


def git_commit(folder: Path) -> str:
    """The commit of a checkout, with `+` where the tree has uncommitted changes, or `unknown`."""
    try:
        commit = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")
