"""A copy of the repository in which the workflow has run once, shared by the workflow tests."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bmdpipe.core.atomic import only_writer
from bmdpipe.core.provenance import compiled_hash
from tests.workflow.planted import plant

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "workflow_scripts", "bmdpipe", "config", "envs")
RUN_TIMEOUT_S = 800


@dataclass(frozen=True)
class Checkout:
    """A copy of the workflow to run and to edit."""

    root: Path

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.as_typed("--cores", str(min(len(os.sched_getaffinity(0)), 4)), *arguments)

    def as_typed(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """With these arguments and no others."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.root,
            env=environment | {"PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )

    def to_run(self, *arguments: str, configfile: str = "config/test.yaml") -> dict[str, int]:
        """Rules that a dry run lists, with their number of jobs; empty if nothing is to be done."""
        done = self.snakemake("-n", "--configfile", configfile, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        text = done.stdout + done.stderr
        table = re.search(r"^job\s+count\n-+\s+-+\n(.*?)^total", text, flags=re.S | re.M)
        if table is None:
            assert "Nothing to be done" in text, text
            return {}
        rows = (line.split() for line in table.group(1).splitlines() if line.strip())
        return {name: int(count) for name, count in rows if name != "all"}


def copy_of_repository(folder: Path) -> Checkout:
    folder.mkdir(parents=True, exist_ok=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy2(source, folder / part)
    take_kernels_along(REPOSITORY, Path(os.environ["NUMBA_CACHE_DIR"]), folder)
    return Checkout(folder)


def take_kernels_along(source: Path, cache: Path, folder: Path) -> None:
    """Kernels compiled from the sources of one checkout, put where its copy's workflow looks for
    them.

    Numba names a kernel's folder after its source's and checks the source's size and time, which
    the copy keeps; caches go by the hash of all that is compiled.
    """
    target = numba_cache(folder)
    for package in (path for path in (source / "bmdpipe").rglob("*") if path.is_dir()):
        compiled = cache / kernel_folder(package)
        if compiled.is_dir():
            place = folder / package.relative_to(source)
            shutil.copytree(compiled, target / kernel_folder(place))


def numba_cache(folder: Path) -> Path:
    """Where a checkout's workflow keeps what numba has compiled."""
    return folder / ".snakemake" / "numba" / compiled_hash(folder / "bmdpipe")


def kernel_folder(package: Path) -> str:
    return f"{package.name}_{hashlib.sha1(str(package).encode()).hexdigest()}"


def copy_of(finished: Checkout, root: Path) -> Checkout:
    """A run at another place, with the kernels that it has compiled."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(finished.root, root, symlinks=True, ignore=shutil.ignore_patterns("numba"))
    take_kernels_along(finished.root, numba_cache(finished.root), root)
    return Checkout(root)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Checkout:
    """The `test` config, run to its end; its images name a patient in their headers.

    Test processes side by side share the run, and each has a copy of it to edit. BMDPIPE_FINISHED
    may name a checkout in which all that has been done, to spare the run while tests are written.
    """
    own = tmp_path_factory.mktemp("checkout")
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    common = own.parent if alone else own.parent.parent
    root = Path(os.environ.get("BMDPIPE_FINISHED", common / "finished"))
    with only_writer(root):
        if not root.exists():
            run_to_its_end(copy_of_repository(root))
    assert (root / "results/test/tracked.json").is_file(), "the run has failed before"
    return Checkout(root) if alone else copy_of(Checkout(root), own)


def run_to_its_end(checkout: Checkout) -> None:
    for until in (("--until", "simulate"), ()):
        done = checkout.snakemake("--configfile", "config/test.yaml", "--show-failed-logs", *until)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        if until:
            plant(checkout.root / "results/test/simulate")


@pytest.fixture
def edited(finished):
    """Edit a file of the finished checkout for the length of a test: `edited(path, old, new)`."""
    originals: dict[Path, bytes] = {}

    def edit(name: str, old: str, new: str) -> None:
        path = finished.root / name
        originals.setdefault(path, path.read_bytes())
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    yield edit
    for path, content in originals.items():
        path.write_bytes(content)
