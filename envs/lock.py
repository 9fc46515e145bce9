"""Write the locked environments from what is installed: `.venv/bin/python envs/lock.py`.

Each file pins the closure of one group of pyproject.toml; a package stands in the first that needs
it. torch's own dependencies (CUDA on a GPU machine) are left to torch, which pins them itself.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent
FILES = {
    "bmdpipe.txt": ("library and workflow", None),
    "tracking.txt": ("MLflow store and page", "tracking"),
    "dev.txt": ("tests, linters and the SLURM executor", "dev"),
}


def main() -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    groups = {None: project["dependencies"], **extras, "dev": extras["dev"] + extras["slurm"]}
    written: dict[str, str] = {}
    for name, (purpose, group) in FILES.items():
        found: dict[str, str] = {}
        for requirement in groups[group]:
            if not requirement.startswith("bmdpipe["):
                _close(requirement, found)
        fresh = {package: pin for package, pin in found.items() if package not in written}
        written |= fresh
        lines = [f"# {purpose}; written by envs/lock.py"]
        lines += [f"{package}=={fresh[package]}" for package in sorted(fresh)]
        (HERE / name).write_text("\n".join(lines) + "\n")


def _close(text: str, found: dict[str, str], extra: str = "") -> None:
    requirement = Requirement(text)
    if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
        return
    name = requirement.name.lower().replace("_", "-")
    if name not in found:
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            return
        found[name] = installed.version.split("+")[0]
        if name == "torch":
            return
        for inner in installed.requires or ():
            _close(inner, found)
    for chosen in requirement.extras:
        for inner in distribution(name).requires or ():
            if f'extra == "{chosen}"' in inner or f"extra == '{chosen}'" in inner:
                _close(inner, found, chosen)


if __name__ == "__main__":
    main()
