"""Image metrics against scikit-image and sklearn, and streamed over folds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import f1_score

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.agreement import NotMeasurable, pcc
from bmdpipe.evaluation.decomposition import evaluate_projections
from bmdpipe.evaluation.images import dice, mean_intensity, multi_threshold_dice, psnr


def images(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.clip(random.normal(300, 300, (40, 30)), 0, 1000)
    return truth, np.clip(truth + random.normal(0, 80, truth.shape), 0, None)


def test_psnr_agrees_with_scikit_image() -> None:
    truth, estimate = images()
    assert psnr(truth, estimate, 1000.0) == pytest.approx(
        peak_signal_noise_ratio(truth, estimate, data_range=1000.0)
    )


def test_psnr_falls_by_20_db_for_ten_times_the_error() -> None:
    truth, _ = images()
    assert psnr(truth, truth + 1, 1000) - psnr(truth, truth + 10, 1000) == pytest.approx(20.0)
    with pytest.raises(NotMeasurable, match="identical"):
        psnr(truth, truth, 1000.0)


def test_dice_is_the_f_score() -> None:
    truth, estimate = images()
    a, b = truth > 400, estimate > 400
    assert dice(a, b) == pytest.approx(f1_score(a.ravel(), b.ravel()))
    with pytest.raises(NotMeasurable):
        dice(a & ~a, b & ~b)


def test_multi_threshold_dice_is_the_mean_over_thresholds_that_are_reached() -> None:
    truth, estimate = images()
    parts = [dice(truth >= t, estimate >= t) for t in (100, 500)]
    assert multi_threshold_dice(truth, estimate, (100, 500, 1e9)) == pytest.approx(np.mean(parts))
    assert multi_threshold_dice(truth, truth, (100, 500)) == 1.0
    with pytest.raises(NotMeasurable):
        multi_threshold_dice(truth * 0, truth * 0, (100,))


def test_mean_intensity_counts_the_pixels_at_or_above_the_threshold() -> None:
    assert mean_intensity(np.array([[0.0, 10.0], [20.0, 30.0]]), 20.0) == 25.0


def test_projections_of_all_folds_are_read_case_by_case(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    levels, predicted, files, subject_of = [], [], {}, {}
    for fold in range(2):
        truth = np.zeros((6, 8, 8), np.float32)
        truth[:, 2:6, 2:6] = random.uniform(500, 900, (6, 1, 1))
        guess = truth * random.uniform(0.9, 1.1, (6, 1, 1)).astype(np.float32)
        if fold == 1:
            guess[0] = 0
        cases = [f"V{fold}{i // 2}/x{i}/R" for i in range(6)]
        files[str(fold)] = tmp_path / f"{fold}.safetensors"
        save_file(
            {"pf_true": truth, "pf_pred": guess}, files[str(fold)], {"cases": json.dumps(cases)}
        )
        subject_of |= {case: case.split("/")[0] for case in cases}
        levels += list(truth.max(axis=(1, 2)))
        predicted += list(guess.max(axis=(1, 2)))
    result = evaluate_projections(files, subject_of, EvaluationConfig(bootstrap_samples=20))
    assert result["peak_mg_cm2"] == max(levels)
    assert (result["n_cases"], result["empty_predictions"]) == (12, 1)
    assert result["psnr"]["n"] == 12
    assert result["psnr"]["unit"] == "dB"
    kept = np.array(predicted) > 0
    expected = pcc(np.array(levels)[kept], np.array(predicted)[kept])
    assert result["intensity"]["pcc"]["value"] == pytest.approx(expected)
    assert result["intensity"]["pcc"]["n"] == 11
