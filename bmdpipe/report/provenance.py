"""What made a run's results: commit, versions, config hash, seeds."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bmdpipe.core.provenance import canonical_json, digest, git_commit

PACKAGES = (
    "bmdpipe",
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "statsmodels",
    "SimpleITK",
    "pydicom",
    "nibabel",
    "cma",
    "numba",
    "safetensors",
    "pydantic",
    "snakemake",
)


def run_manifest(config: Mapping[str, Any], repository: Path) -> dict[str, Any]:
    """The manifest of a run with this config, made by the checkout in `repository`."""
    return {
        "commit": git_commit(repository),
        "config_hash": digest(canonical_json(config)),
        "seeds": seeds(config),
        "versions": {"python": platform.python_version(), **package_versions()},
    }


def package_versions() -> dict[str, str]:
    """The installed versions of the packages that compute results; absent ones are left out."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def seeds(config: Mapping[str, Any], prefix: str = "") -> dict[str, int]:
    """Every `seed` that a config sets, by its dotted key."""
    found: dict[str, int] = {}
    for key, value in config.items():
        place = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= seeds(value, place + ".")
        elif key == "seed" and value is not None:
            found[place] = value
    return found
