"""Public sets in their layouts, made here; saturation and limits of pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.imaging.chest_picture import read_chest
from bmdpipe.pairs import chest_images
from bmdpipe.pairs.chest_cases import (
    ChestCase,
    jsrt_pairs,
    pretraining_cases,
    tuberculosis_cases,
)

CONFIG = BoneSuppressionConfig(size_px=32)


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def ramp(size: int = 64) -> np.ndarray:
    return np.tile(np.arange(size, dtype=np.uint16) * 60, (size, 1))


def test_jsrt_raw_files_are_turned_and_matched_with_their_twins(tmp_path: Path) -> None:
    raw = np.zeros((2048, 2048), ">u2")
    raw[:1024] = 4000  # black on the film: the lungs
    raw[0, 0] = 4095
    (tmp_path / "JSRT").mkdir()
    raw.tofile(tmp_path / "JSRT" / "JPCLN001.IMG")
    write(tmp_path / "JSRT" / "JPCNN002.png", ramp())
    write(tmp_path / "JSRT" / "JPCNN003.png", ramp())
    for name in ("JPCLN001", "JPCNN002"):
        write(tmp_path / "BSE_JSRT" / f"{name}.png", ramp())
    cases = jsrt_pairs(tmp_path)
    assert [(c.case, c.label, c.same_scale) for c in cases] == [
        ("JPCLN001", 1, False),
        ("JPCNN002", 0, False),
    ]
    image = read_chest(cases[0].radiograph, "JPCLN001")
    assert image[0, 0] == 0
    assert image[:1024].mean() < image[1024:].mean() == 4095
    (tmp_path / "JSRT" / "JPCLN001.IMG").write_bytes(b"12")
    with pytest.raises(CaseError) as refusal:
        read_chest(cases[0].radiograph, "JPCLN001")
    assert refusal.value.code == "E_PIXEL_LENGTH"


@pytest.mark.parametrize("prefix", ["CHNCXR", "MCUCXR"])
def test_tuberculosis_sets_tell_the_class_by_the_name(tmp_path: Path, prefix: str) -> None:
    for name in (f"{prefix}_0001_0.png", f"{prefix}_0002_1.png", "Thumbs.png"):
        write(tmp_path / "CXR_png" / name, ramp())
    (tmp_path / "ClinicalReadings").mkdir()
    cases = tuberculosis_cases(tmp_path)
    assert [(c.subject, c.label) for c in cases] == [(f"{prefix}_0001", 0), (f"{prefix}_0002", 1)]
    assert chest_images.radiograph(cases[0], CONFIG).shape == (32, 32)


def test_a_folder_that_holds_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        tuberculosis_cases(tmp_path)
    (tmp_path / "CXR_png").mkdir()
    with pytest.raises(UsageError, match="CHNCXR"):
        tuberculosis_cases(tmp_path)
    for name in ("JSRT", "BSE_JSRT"):
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="twin"):
        jsrt_pairs(tmp_path)


def test_normal_is_class_0_whatever_the_alphabet_says(tmp_path: Path) -> None:
    write(tmp_path / "abnormal" / "a.png", ramp())
    write(tmp_path / "normal" / "b.png", ramp())
    assert {c.case: c.label for c in pretraining_cases(tmp_path)} == {
        "abnormal/a.png": 1,
        "normal/b.png": 0,
    }


def test_one_percent_is_saturated_at_each_end(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = write(tmp_path / "x.png", random.permutation(4096).reshape(64, 64).astype(np.uint16))
    case = ChestCase("x", "x", path, 0)
    image = chest_images.radiograph(case, BoneSuppressionConfig(size_px=64))
    assert (image == 0).mean() == pytest.approx(0.01, abs=0.002)
    assert (image == 1).mean() == pytest.approx(0.01, abs=0.002)


def test_a_pair_of_one_scale_differs_by_bone_alone(tmp_path: Path) -> None:
    picture = ramp()
    bones = np.zeros_like(picture)
    bones[20:24] = 500
    whole = write(tmp_path / "a.png", picture + bones)
    case = ChestCase("a", "a", whole, 0, write(tmp_path / "b.png", picture))
    made = chest_images.pair(case, BoneSuppressionConfig(size_px=64))
    apart = np.abs(made[0] - made[1])
    assert apart[20:24].max() > 0.05
    assert apart[:20].max() == apart[24:].max() == 0


def test_a_constant_picture_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.png", np.full((64, 64), 7, np.uint16))
    with pytest.raises(CaseError) as refusal:
        chest_images.radiograph(ChestCase("x", "x", path, 0), CONFIG)
    assert refusal.value.code == "E_EMPTY"
