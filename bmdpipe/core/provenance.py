"""Hashes that say what made a result: its configuration and files. `core.code` hashes code."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON in which equal values give equal bytes: sorted keys, no spaces, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """A short hash (16 hex digits of SHA-256) of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
