"""The patient is told from table and clothes."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.volume import Volume
from bmdpipe.imaging.body_mask import body_mask

SPACING = (1.5, 1.5, 3.0)


def scene() -> tuple[Volume, np.ndarray]:
    """A body with gas in it, on a thin table a pixel away, under a thin blanket."""
    array = np.full((20, 120, 160), -1000, np.int16)
    y, x = np.mgrid[:120, :160]
    body = ((x - 80) / 60) ** 2 + ((y - 55) / 40) ** 2 < 1
    array[:, body] = 20
    array[:, 50:60, 75:90] = -1000
    array[:, 97:99, 5:155] = 100
    array[:, 8:9, 40:120] = -150
    return Volume(array, SPACING, (0.0, 0.0, 0.0), "HU"), np.broadcast_to(body, array.shape)


def test_table_and_blanket_are_left_out_and_gas_is_kept() -> None:
    ct, body = scene()
    found = body_mask(ct)
    assert found[body].all()
    assert found[:, 101:].sum() == 0
    assert (found & ~body & (ct.array > -300)).sum() < 0.02 * body.sum()
    assert found[:, 50:60, 75:90].all()


def test_no_tissue_no_body() -> None:
    ct, _ = scene()
    with pytest.raises(ValueError, match="no tissue"):
        body_mask(ct.like(np.full_like(ct.array, -1000), "HU"))
