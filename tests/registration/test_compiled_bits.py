"""A process that compiles the kernels computes the same bits as one that finds them compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import hashlib
import numpy as np
from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import project
from bmdpipe.registration.similarity import GradientCorrelation
from tests.projection.conftest import CAMERA, blobs, turned

def told(name, array):
    print(name, hashlib.sha256(np.ascontiguousarray(array)).hexdigest())

body = Body.from_volume(blobs())
views = [(0, 0, 0), (4, -9, 7), (0, 90, 0), (30, 50, 70)]
poses = np.stack([turned(view, (0.37, 0.21, 0.13)) for view in views])
for method in ("joseph", "siddon", "factored"):
    told(method, project(body, CAMERA, poses, method=method, engine="numba"))
images = np.random.default_rng(0).normal(size=(4, 70, 80)).astype(np.float32)
compared = GradientCorrelation.of(images[0], 1.0)
told("fixed", compared.fixed)
told("gc", compared.of_batch(images))
told("normalised", compared.normalised(images))
"""


@pytest.mark.long
def test_compiling_changes_no_bit(tmp_path):
    """Nor does the number of threads."""
    told = []
    for threads in ("1", "1", "3"):
        environment = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | environment | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(done.stdout.splitlines())
    compiled, cached, threaded = told
    assert len(compiled) == 6
    assert cached == compiled
    assert threaded == compiled
