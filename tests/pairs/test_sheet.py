import numpy as np
from matplotlib.image import imread

from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.sheet import write_augmentation_sheet
from bmdpipe.pairs.store import KINDS, Case, Pairs


def test_the_sheet_is_a_picture_and_replays(tmp_path):
    rng = np.random.default_rng(0)
    camera = Camera.centred(1200, (1, 1), (8, 16))
    cases = tuple(
        Case("S", "r", "standing", s, i, True, camera, False, 1.0) for i, s in enumerate("RL")
    )
    images = {kind: rng.random((2, 16, 8)).astype(np.float32) for kind in KINDS}
    for name in ("a.png", "b.png"):
        write_augmentation_sheet(tmp_path / name, Pairs(cases, images), AugmentationConfig())
    first = imread(tmp_path / "a.png")
    assert first.ndim == 3
    assert np.array_equal(first, imread(tmp_path / "b.png"))
