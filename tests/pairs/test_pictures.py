"""Class folders, perceptual hashes, and folds that near duplicates do not cross."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.pairs.examples import check_groups
from bmdpipe.pairs.pictures import (
    Picture,
    find_pictures,
    fitted,
    near_duplicates,
    read_picture,
)


def scene(seed: int, size: int = 90) -> Image.Image:
    noise = np.random.default_rng(seed).standard_normal((size, size))
    smooth = gaussian_filter(noise, size / 12)
    return Image.fromarray(np.uint8(255 * (smooth - smooth.min()) / np.ptp(smooth)))


def test_copies_are_one_group_and_others_are_not() -> None:
    first = scene(0)
    copies = [
        first,
        first.resize((150, 150)),
        first.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        Image.fromarray(np.uint8(np.asarray(first) * 0.7 + 20)),
    ]
    framed = Image.new("L", (140, 120), 0)
    framed.paste(first, (20, 10))
    others = [scene(seed) for seed in range(1, 30)]
    groups = near_duplicates([*copies, *others], 8)
    assert len(set(groups[:4])) == 1
    assert len(set(groups[3:])) == 1 + len(others)


def test_a_split_group_is_refused() -> None:
    check_groups(("a", "a", "b"), np.array([0, 0, 1]))
    with pytest.raises(UsageError, match="leak"):
        check_groups(("a", "a", "b"), np.array([0, 1, 1]))


def test_a_picture_keeps_its_proportions() -> None:
    wide = Image.fromarray(np.full((20, 40), 200, np.uint8))
    wide.paste(0, (0, 0, 5, 20))
    made = fitted(wide, (64, 64))
    assert made.shape == (64, 64)
    assert made.mean() == pytest.approx(0, abs=1e-4)
    assert (made[32] > 0).sum() == pytest.approx(56, abs=2)
    assert (made[:14] == made.min()).all()


def test_classes_are_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_pictures(tmp_path / "none")
    for name in ("tumour", "normal"):
        (tmp_path / name).mkdir()
        scene(1).save(tmp_path / name / "a.png")
    (tmp_path / "normal" / "notes.txt").write_text("no picture")
    classes, found = find_pictures(tmp_path)
    assert classes == ("normal", "tumour")
    assert [(p.name, p.label) for p in found] == [("normal/a.png", 0), ("tumour/a.png", 1)]
    broken = tmp_path / "normal" / "b.png"
    broken.write_bytes((tmp_path / "normal" / "a.png").read_bytes()[:200])
    with pytest.raises(CaseError, match="E_TRUNCATED"):
        read_picture(Picture("normal/b.png", 0, broken))
