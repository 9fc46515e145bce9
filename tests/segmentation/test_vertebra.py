"""What is kept of a vertebra's labels."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.errors import CaseError
from bmdpipe.segmentation.vertebra import BODY, POSTERIOR, cleaned


def labels() -> np.ndarray:
    made = np.zeros((3, 30, 30), np.uint8)
    made[:, 8:18, 8:20] = BODY
    made[:, 18:24, 12:15] = POSTERIOR
    return made


def test_whole_labels_stay_as_they_are() -> None:
    np.testing.assert_array_equal(cleaned(labels(), "v"), labels())


def test_holes_are_filled_and_pieces_apart_are_dropped() -> None:
    marred = labels()
    marred[1, 12, 12] = 0
    marred[:, 1:3, 1:3] = BODY
    marred[:, 27:29, 27:29] = POSTERIOR
    np.testing.assert_array_equal(cleaned(marred, "v"), labels())


def test_a_picture_without_body_is_refused() -> None:
    with pytest.raises(CaseError) as refusal:
        cleaned(np.full((2, 4, 4), POSTERIOR, np.uint8), "v")
    assert refusal.value.code == "E_SEGMENTATION"
