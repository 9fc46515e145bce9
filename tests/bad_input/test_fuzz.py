"""Damaged files and tables end in an image, a coded refusal or a line to the user."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.cohort import read_cohort
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.imaging.ct import read_ct
from bmdpipe.imaging.radiograph import read_radiograph
from tests.bad_input.cohorts import write_cohort
from tests.imaging.series import body_hu, dx_file, hip_like, write_series

CONFIG = ImagingConfig(max_inflated_mib=16, max_ct_megavoxels=1, max_radiograph_megapixels=1)
WORDS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"SQ\0\0", b"\xfe\xff\x00\xe0", b"NaN ", b"1\\2\\3\\4")
WORDS += (b"1.2.840.10008.1.2.4.50\0", b"1.2.840.10008.1.2.1.99", b"\t\t", b'"', b"\r\n", b"-1e99")


def mutated(content: bytes, chance: random.Random, head: int) -> bytes:
    """One to six changes, most of them in the first `head` bytes, where the structure is."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(min(head, len(data)) if chance.random() < 0.8 else len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            word = chance.choice(WORDS)
            data[at : at + len(word)] = word
        elif kind == 2:
            del data[at : at + chance.randint(1, 64)]
        elif kind == 3:
            data[at:at] = data[at : at + chance.randint(1, 200)]
        else:
            del data[chance.randrange(len(data)) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def fuzz_radiographs(folder: Path, n: int, seed: int) -> int:
    content = dx_file(folder / "a.dcm", hip_like()).read_bytes()
    chance, refused = random.Random(seed), 0
    for _ in range(n):
        (folder / "b.dcm").write_bytes(mutated(content, chance, 1400))
        try:
            found = read_radiograph(folder / "b.dcm", "S1/a", CONFIG, "R")
        except CaseError:
            refused += 1
            continue
        assert np.isfinite(found.image.array).all()
    return refused


def fuzz_ct(folder: Path, n: int, seed: int) -> int:
    write_series(folder, body_hu()[:17])
    paths = sorted(folder.iterdir())
    contents = [path.read_bytes() for path in paths]
    chance, refused = random.Random(seed), 0
    for _ in range(n):
        which = chance.randrange(len(paths))
        paths[which].write_bytes(mutated(contents[which], chance, 1400))
        try:
            found = read_ct(folder, "S1", CONFIG)
        except CaseError:
            refused += 1
        else:
            assert found.volume.array.min() >= -1024
        paths[which].write_bytes(contents[which])
    return refused


def fuzz_tables(folder: Path, n: int, seed: int) -> int:
    cohort = write_cohort(folder, ("A1", "A2"))
    chance, refused = random.Random(seed), 0
    told: list[str] = []
    for number in range(n):
        path = cohort / ("subjects.tsv", "radiographs.tsv")[number % 2]
        content = path.read_bytes()
        path.write_bytes(mutated(content, chance, 10_000))
        try:
            found = read_cohort(cohort)
        except UsageError as error:
            refused += 1
            told.append(str(error))
        else:
            assert all(0.1 <= (row.dxa_abmd_g_cm2 or 0.1) <= 2.5 for row in found.subjects)
        path.write_bytes(content)
    assert all(line.isprintable() for line in told)
    return refused


TARGETS = [(fuzz_radiographs, 100, 5000), (fuzz_ct, 25, 1500), (fuzz_tables, 100, 4000)]


@pytest.mark.parametrize(("target", "n"), [(t, short) for t, short, _ in TARGETS])
def test_damage(tmp_path, target, n):
    assert 0 < target(tmp_path, n, seed=1) <= n


@pytest.mark.long
@pytest.mark.parametrize(("target", "n"), [(t, long) for t, _, long in TARGETS])
def test_damage_by_the_thousand(tmp_path, target, n):
    assert 0 < target(tmp_path, n, seed=2) <= n
