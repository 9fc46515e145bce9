"""A hash of the code that a job imports, so that it reruns when that has changed."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = ("bmdpipe", "workflow_scripts")


@dataclass(frozen=True)
class Source:
    """What one source says: our modules it may import, and a hash of what it does."""

    names: tuple[str, ...]
    digest: str


class Code:
    """The hash of any of our modules with everything of ours that it imports.

    Sources are parsed and their docstrings dropped, so that a comment, a docstring or white space
    changes nothing. Imports inside functions count; so do the C++ sources of an imported package.
    Parsing all sources takes seconds: `notes` are what an earlier object found, by the hash of a
    source's bytes. `learnt` says that there is more to note.
    """

    def __init__(self, notes: Mapping[str, Any] | None = None) -> None:
        self.notes: dict[str, Any] = {}
        self._earlier = notes or {}
        self.learnt = False
        self._sources: dict[str, Source] = {}
        self._paths: dict[str, Path | None] = {}
        self._closures: dict[str, frozenset[str]] = {}
        # Another Python writes trees otherwise, and another version of this file hashes otherwise.
        self._salt = sys.version.encode() + Path(__file__).read_bytes()

    def hash(self, *modules: str) -> str:
        """Hash (16 hex digits) of the modules and of all that they import, directly or not."""
        closure = sorted(set().union(*(self.closure(module) for module in modules)))
        return _short("\n".join(f"{name} {self._source(name).digest}" for name in closure))

    def closure(self, module: str) -> frozenset[str]:
        """Names of our modules that importing `module` can execute, itself included."""
        if module not in self._closures:
            seen: set[str] = set()
            waiting = [module]
            while waiting:
                name = waiting.pop()
                if name in seen:
                    continue
                seen.add(name)
                known = (other for other in self._source(name).names if self._path(other))
                waiting.extend({*known, *_parents(name)})
            self._closures[module] = frozenset(seen)
        return self._closures[module]

    def _source(self, module: str) -> Source:
        if module not in self._sources:
            path = self._path(module)
            if path is None:
                raise ModuleNotFoundError(module)
            content = path.read_bytes()
            native = _native_sources(path)
            key = _short(self._salt, content, native.encode())
            found = self._earlier.get(key)
            if found is None:
                tree = ast.parse(content)
                names = _names_imported(tree, module)
                found = {"names": names, "digest": _digest_without_docs(tree, native)}
                self.learnt = True
            self.notes[key] = found
            self._sources[module] = Source(tuple(found["names"]), found["digest"])
        return self._sources[module]

    def _path(self, module: str) -> Path | None:
        if module not in self._paths:
            self._paths[module] = _source_path(module)
        return self._paths[module]


def _short(*parts: str | bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() if isinstance(part, str) else part)
    return total.hexdigest()[:16]


def _source_path(module: str) -> Path | None:
    """A module's file, found by its name alone: asking the import system would import its parents,
    and for `from a.b import c` the module `a.b` itself, torch and all."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin).parent.joinpath(*rest)
    package, single = place / "__init__.py", place.with_name(f"{place.name}.py")
    if package.is_file():
        return package
    return single if rest and single.is_file() else None


def _names_imported(tree: ast.Module, module: str) -> list[str]:
    """What imports of ours name: modules, and what may be modules or be in one."""
    names: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{module}: relative imports are not used in this code base")
            base = node.module or ""
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return sorted(name for name in names if name.split(".")[0] in PACKAGES)


def _digest_without_docs(tree: ast.Module, native: str) -> str:
    for node in [tree, *_statements(tree)]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[1:] if documented else node.body
    return _short(ast.dump(tree), native)


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


def _native_sources(path: Path) -> str:
    """The C++ beside a package's `__init__`."""
    if path.name != "__init__.py":
        return ""
    beside = sorted(p for p in path.parent.iterdir() if p.suffix in (".cpp", ".hpp"))
    return "".join(f"\n{p.name}\n{p.read_text(encoding='utf-8')}" for p in beside)
