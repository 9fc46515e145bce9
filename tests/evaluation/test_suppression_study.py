"""Image metrics of suppressed radiographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.suppression_study import image_table, summarise_images


def test_the_table_has_the_metrics_of_each_image(tmp_path: Path) -> None:
    truth = np.random.default_rng(0).random((4, 1, 32, 32)).astype(np.float32) * 0.5
    steps = np.array([0.1, 0.1, 0.2, 0.2], np.float32)[:, None, None, None]
    table = image_table(["a", "b", "c", "d"], ["a", "b", "c", "d"], truth + steps, truth)
    assert table["mae"].to_numpy() == pytest.approx([0.1, 0.1, 0.2, 0.2], rel=1e-5)
    # A constant difference d has a PSNR of -20 log10 d.
    assert table["psnr"].to_numpy() == pytest.approx([20, 20, 13.979, 13.979], rel=1e-4)
    assert (table["ssim"] < 1).all()
    path = tmp_path / "images.tsv"
    table.to_csv(path, sep="\t", index=False)
    told = summarise_images({"x": path}, EvaluationConfig(bootstrap_samples=50))["x"]
    assert told["mae"]["value"] == pytest.approx(0.15, rel=1e-4)
    assert told["mae"]["ci_low"] < 0.15 < told["mae"]["ci_high"]
