"""The pair of chest pictures: what differs, where, and what tells the classes apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter
from sklearn.metrics import roc_auc_score

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.geometry.pose import apply
from bmdpipe.virtual.chest.simulate import make_chest_case
from bmdpipe.virtual.chest.skeleton import rib_path


def test_the_twin_differs_behind_bones_and_nowhere_else(fine):
    difference = fine.radiograph - fine.suppressed
    outside = ~binary_dilation(fine.bones, iterations=3)
    assert outside.mean() > 0.3
    assert np.abs(difference[outside]).max() < 2e-3
    assert difference[fine.bones].mean() > 0.01
    assert difference.min() > -2e-3, "taking bone away never makes a picture denser"


def test_noise_of_the_pair_is_the_same_noise(fine):
    """What the twins differ by is smooth where either of them is noisy."""
    noisy = fine.radiograph - gaussian_filter(fine.radiograph, 1.0)
    twin = fine.suppressed - gaussian_filter(fine.suppressed, 1.0)
    flat = fine.lungs & ~binary_dilation(fine.bones, iterations=2)
    assert noisy[flat].std() > 1e-4
    assert np.corrcoef(noisy[flat], twin[flat])[0, 1] > 0.999


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("rib", [2, 4, 6, 8])
def test_the_mask_lies_on_the_projected_ribs(fine, rib, side):
    path = rib_path(fine.build, rib, side) * np.array(fine.build.stretch)
    pixels = fine.view.camera.pixels_of(apply(fine.view.camera_from_chest, path))
    u = fine.view.camera.size_px[0] - 1 - np.rint(pixels[:, 0]).astype(int)
    v = np.rint(pixels[:, 1]).astype(int)
    assert fine.bones[v, u].all()
    assert (u[5:] > fine.view.camera.size_px[0] / 2).all() == (side > 0), "left on the right"


def test_ribs_are_seen_over_the_lungs(fine):
    over = fine.bones & fine.lungs
    free = fine.lungs & ~binary_dilation(fine.bones, iterations=2)
    assert over.sum() > 500
    assert free.sum() > 500
    added = (fine.radiograph - fine.suppressed)[over].mean()
    assert added > 3 * gaussian_noise(fine.radiograph, free)


def gaussian_noise(picture: np.ndarray, where: np.ndarray) -> float:
    """Noise between neighbouring pixels, standard deviation."""
    steps = np.diff(picture, axis=1)[where[:, 1:] & where[:, :-1]]
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2))


def test_findings_lie_in_the_lungs_and_only_in_the_diseased(cases):
    for case in cases:
        assert bool(case.findings.kinds) == bool(case.diseased.any())
        assert not (case.diseased & ~case.lungs).any()


def test_lungs_are_two_and_dark(cases):
    for case in cases[:20]:
        height, width = case.lungs.shape
        assert 0.12 < case.lungs.mean() < 0.5
        assert case.lungs[:, : width // 2].any()
        assert case.lungs[:, width // 2 :].any()
        body = case.masses.lean > 3.0
        outside = body & ~case.lungs
        outside[: height // 4] = False
        if not case.findings.kinds:  # which fill lungs, and shift the window of the whole picture
            assert case.suppressed[case.lungs].mean() < case.suppressed[outside].mean()


def test_mean_grey_does_not_tell_the_class(cases):
    labels = [bool(case.findings.kinds) for case in cases]
    whole = [case.radiograph.mean() for case in cases]
    assert 0.35 < roc_auc_score(labels, whole) < 0.65


def test_findings_take_as_much_of_the_lungs_as_in_smear_positive_patients(cases):
    """Murthy 2018: median 18.1 %, quartiles 11.3 and 28.8 %; twenty cases tell no more."""
    shares = [(c.diseased & c.lungs).sum() / c.lungs.sum() for c in cases if c.diseased.any()]
    assert 0.113 < np.median(shares) < 0.288


def test_bones_hide_a_part_of_the_findings(cases):
    shares = [(c.diseased & c.bones).sum() / c.diseased.sum() for c in cases if c.diseased.any()]
    assert 0.3 < np.mean(shares) < 0.95


def test_findings_grow_with_conspicuity(small):
    number = next(n for n in range(1, 60) if "infiltrate" in make_kinds(small, n))
    faint = make_chest_case(small.model_copy(update={"conspicuity": 0.3}), number)
    plain = make_chest_case(small, number)
    assert faint.diseased.sum() < plain.diseased.sum()


def make_kinds(config: ChestConfig, number: int) -> tuple[str, ...]:
    return make_chest_case(config.model_copy(update={"size_px": 64}), number).findings.kinds


def test_scapulae_go_only_when_asked(small):
    kept = make_chest_case(small, 1)
    gone = make_chest_case(small.model_copy(update={"suppress_scapulae": True}), 1)
    assert gone.bones.sum() > kept.bones.sum()
    assert np.array_equal(gone.radiograph, kept.radiograph)
