"""The native core is used only where it is what its sources say, and is never a must."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.code import Code
from bmdpipe.projection.body import Body
from bmdpipe.projection.native import engine as native
from bmdpipe.projection.native import library
from bmdpipe.projection.projector import project
from bmdpipe.projection.threads import allowed_threads
from tests.projection.conftest import CAMERA, apart, blobs, turned

REPOSITORY = Path(__file__).resolve().parents[2]
built = pytest.mark.skipif(not native.available(), reason="no compiler was found")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The native folder elsewhere, and nothing found yet."""
    shutil.copytree(library.FOLDER, tmp_path / "native")
    monkeypatch.setattr(library, "FOLDER", tmp_path / "native")
    library.library.cache_clear()
    yield tmp_path / "native"
    library.library.cache_clear()


@built
def test_a_library_older_than_its_sources_is_left_alone(copied, caplog):
    assert native.available()
    library.library.cache_clear()
    (copied / "simd.hpp").write_text("// changed\n")
    with caplog.at_level(logging.WARNING):
        assert not native.available()
    assert "older than its sources" in caplog.text


def test_without_a_library_numba_projects(copied, caplog):
    for path in copied.glob("_core.*"):
        path.unlink()
    body, pose = Body.from_volume(blobs()), turned((5, 6, 7))
    with caplog.at_level(logging.DEBUG):
        image = project(body, CAMERA, pose)
        project(body, CAMERA, pose)
    assert caplog.text.count("no native projection core") == 1
    np.testing.assert_array_equal(image, project(body, CAMERA, pose, engine="numba"))
    with pytest.raises(RuntimeError, match="no native projection core"):
        project(body, CAMERA, pose, engine="native")


@built
def test_the_portable_kernels_give_the_same(engine):
    """As on a processor without AVX2, in a process of its own."""
    program = """
import sys, numpy as np
from bmdpipe.projection.native.library import library
from bmdpipe.projection.projector import project
from tests.projection.conftest import CAMERA, blobs, turned
from bmdpipe.projection.body import Body
assert library().bmd_instruction_set(1) == b"portable"
body, poses = Body.from_volume(blobs()), np.stack([turned((5, 6, 7)), turned((3, 80, 40))])
images = [project(body, CAMERA, poses, method=m, engine="native")
          for m in ("joseph", "siddon", "factored")]
np.save(sys.argv[1], images)
"""
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".npy") as stream:
        subprocess.run([sys.executable, "-c", program, stream.name], check=True, cwd=REPOSITORY)
        images = np.load(stream.name)
    body, poses = Body.from_volume(blobs()), np.stack([turned((5, 6, 7)), turned((3, 80, 40))])
    for image, method in zip(images, ("joseph", "siddon", "factored"), strict=True):
        assert apart(image, project(body, CAMERA, poses, method=method, engine=engine)) < 1e-5


@built
def test_helpers_serve_forked_children_and_many_callers(tmp_path):
    """Threads are kept from call to call; a child has none of its parent's, and callers share."""
    program = """
import os, sys, numpy as np
from concurrent.futures import ThreadPoolExecutor
from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import project
from tests.projection.conftest import CAMERA, blobs, turned
body, poses = Body.from_volume(blobs()), np.stack([turned((5, 6, 7)), turned((3, 80, 40))])
def images(_=None):
    return [project(body, CAMERA, p, method="factored", threads=3) for p in (poses, poses[0])]
np.savez(sys.argv[1], *images())
if os.fork() == 0:
    np.savez(sys.argv[2], *images())
    os._exit(0)
assert os.wait()[1] == 0
with ThreadPoolExecutor(5) as pool:
    for _, last in zip(range(20), pool.map(images, range(20))):
        np.savez(sys.argv[3], *last)
        assert all(np.array_equal(a, b) for a, b in zip(last, np.load(sys.argv[1]).values()))
"""
    files = [str(tmp_path / f"{name}.npz") for name in ("parent", "child", "threads")]
    command = [sys.executable, "-W", "ignore", "-c", program, *files]
    subprocess.run(command, check=True, cwd=REPOSITORY, timeout=100)
    body, poses = Body.from_volume(blobs()), np.stack([turned((5, 6, 7)), turned((3, 80, 40))])
    expected = [project(body, CAMERA, p, method="factored", threads=1) for p in (poses, poses[0])]
    for file in files:
        for image, one in zip(np.load(file).values(), expected, strict=True):
            np.testing.assert_array_equal(image, one)


def test_an_edit_of_the_native_sources_changes_the_hash_of_the_code(monkeypatch):
    plain = Path.read_text

    def edited(path, *args, **kwargs):
        return plain(path, *args, **kwargs) + ("\n" if path.name == "joseph.hpp" else "")

    code = Code()
    before = code.hash("bmdpipe.projection.projector")
    monkeypatch.setattr(Path, "read_text", edited)
    after = Code(code.notes).hash("bmdpipe.projection.projector")
    assert before != after


def test_threads_come_from_the_argument_then_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    assert allowed_threads() == 3
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    assert allowed_threads() == 2
    assert allowed_threads(5) == 5
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert allowed_threads() >= 1
