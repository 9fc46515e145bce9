"""Every bad image gets its code, within 10 s and 2 GiB, and what lies beside it is read."""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bmdpipe.core.codes import MEANING
from tests.bad_input.ct_faults import CT_FAULTS
from tests.bad_input.radiograph_faults import RADIOGRAPH_FAULTS
from tests.imaging.series import dx_file, hip_like, write_series

SECONDS, GIB = 10.0, 2.0
REPOSITORY = Path(__file__).resolve().parents[2]
# One process reads all fixtures of a kind, each in a cage: what it may take is told by the cage.
PROGRAM = """
import json, sys, time, resource
from bmdpipe.core.cage import caged
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.intake import take_in
config = ImagingConfig()
for line in sys.stdin:
    row = json.loads(line)
    start = time.monotonic()
    def read():
        try:
            taken = take_in(row, config)
            found = [e.code for e in taken.refused] + [w.code for w in taken.warnings]
            hints = [e.hint for e in taken.refused]
            digest = taken.scan.digest
        except CaseError as error:
            found, hints, digest = [error.code], [error.hint], None
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return found, hints, digest, used
    try:
        found, hints, digest, used = caged(read, "S1", GIB, 1)
    except CaseError as error:
        found, hints, digest, used = [error.code], [error.hint], None, 0.0
    print(json.dumps([found, hints, digest, used, time.monotonic() - start]), flush=True)
"""


class Reader:
    """A process that reads subjects, a row in and what was found out."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.replace("GIB", str(GIB))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __call__(self, ct: Path, radiographs: list[Path]) -> tuple[list[str], list[str], str]:
        """Codes, hints and the CT's hash; the limits of time and memory are asserted here."""
        names = [f"r{number}" for number in range(len(radiographs))]
        row = {
            "subject": {"subject": "S1", "side": "R", "ct": str(ct)},
            "radiographs": [
                {"radiograph": name, "path": str(path), "positioning": "supine"}
                for name, path in zip(names, radiographs, strict=True)
            ],
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(row), file=self.process.stdin, flush=True)
        found, hints, digest, used_gib, seconds = json.loads(self.process.stdout.readline())
        assert seconds < SECONDS
        assert used_gib < GIB
        return found, hints, digest


@pytest.fixture(scope="module")
def read():
    reader = Reader()
    yield reader
    reader.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sound")
    return write_series(folder / "ct"), dx_file(folder / "a.dcm", hip_like())


@pytest.mark.parametrize(
    ("make", "code"),
    [pytest.param(make, code, id=f"{row}-{name}") for row, name, make, code in CT_FAULTS],
)
def test_a_ct(tmp_path, read, sound, make, code):
    found, hints, _ = read(make(tmp_path / "ct"), [sound[1]])
    assert sorted(set(found)) == ([code] if code else [])
    assert not any("Secret" in hint or "4711" in hint for hint in hints)
    assert set(found) <= set(MEANING)


@pytest.mark.parametrize(
    ("make", "code"),
    [pytest.param(make, code, id=f"{row}-{name}") for row, name, make, code in RADIOGRAPH_FAULTS],
)
def test_a_radiograph_is_judged_alone(tmp_path, read, sound, make, code):
    """The CT and the other radiograph of the subject are read beside it."""
    found, hints, digest = read(sound[0], [sound[1], make(tmp_path)])
    assert digest is not None
    assert sorted(set(found)) == ([code] if code else [])
    assert not any("Secret" in hint or "4711" in hint for hint in hints)


def broken_down():
    faulthandler.disable()  # pytest's would print the stack of a crash that is meant
    os.abort()


def test_a_subject_that_takes_too_long_or_too_much_is_refused():
    """The cage itself: memory, time and a decoder that breaks down."""
    from bmdpipe.core.cage import caged
    from bmdpipe.core.errors import CaseError

    for work, code in (
        (lambda: bytes(3 * 2**30), "E_TOO_LARGE"),
        (lambda: time.sleep(30), "E_LIMIT"),
        (broken_down, "E_LIMIT"),
    ):
        with pytest.raises(CaseError) as caught:
            caged(work, "S1", memory_gib=0.5, minutes=1 / 60)
        assert (caught.value.code, caught.value.case) == (code, "S1")
    assert caged(lambda: 7, "S1", memory_gib=0.5, minutes=1) == 7
