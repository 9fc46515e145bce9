"""The GPU kernels, interpreted on the CPU in a process of its own, against the CPU's projector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bmdpipe.projection.body import Body
from bmdpipe.projection.engines import engine_named
from bmdpipe.projection.projector import project
from tests.projection.conftest import CAMERA, blobs, turned

pytest.importorskip("triton", reason="torch brought no triton")

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(HERE.parents[2])}
    done = subprocess.run(
        [sys.executable, HERE / "interpreted.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("storage", ["float32", "int16"])
def test_images_equal_the_cpus(measured, storage):
    assert measured[storage] < 1e-5


def test_half_precision_keeps_its_eleven_bits(measured):
    """Rounding to 11 bits is at most 2^-11 of a voxel, less in a sum of many."""
    assert 0 < measured["float16"] < 2**-11


def test_backprojection_is_the_transpose(measured):
    assert measured["transpose"] < 1e-5


def test_gradients(measured):
    assert measured["gradient by volume"] < 1e-6
    assert measured["gradient by shift"] < 1e-3
    assert measured["gradient by turn"] < 1e-3


def test_the_engine_by_name_does_what_the_cpus_does(measured):
    for name in ("by name", "two bodies", "back by name", "scores by name"):
        assert measured[name] < 1e-5, name
    assert not measured["copied again"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_the_engine_says_so(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(RuntimeError, match="no CUDA device"):
        engine_named("cuda")


def test_what_the_engine_lacks_is_refused(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    body = Body.from_volume(blobs())
    for method, lack in (("siddon", "Siddon"), ("factored", "factored")):
        with pytest.raises(ValueError, match=lack):
            project(body, CAMERA, turned((0, 0, 0)), method=method, engine="cuda")
