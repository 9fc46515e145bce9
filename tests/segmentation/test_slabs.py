"""Which slices a network sees together, and how all of a CT's slices get a share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bmdpipe.core.config.segmentation import (
    SegmentationAugmentation,
    SegmentationConfig,
    SegmentationNetwork,
)
from bmdpipe.core.errors import UsageError
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.finish import finished
from bmdpipe.segmentation.networks import build
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import dice_of
from bmdpipe.segmentation.slabs import Heights, window_weight, windows
from bmdpipe.segmentation.slices import collect
from bmdpipe.segmentation.training import train
from tests.segmentation.bodies import toy, toy_config

FLAT = SegmentationNetwork()
CPU = torch.device("cpu")
UNCHANGED = dict.fromkeys(SegmentationAugmentation.model_fields, 0) | {"mirror": False}


def three_d(slab: int = 4, slab_mm: float = 8.0) -> SegmentationNetwork:
    return SegmentationNetwork(slab=slab, slab_mm=slab_mm, depth=3, matrix_px=(48, 32))


def ct(count: int, spacing: float) -> Volume:
    array = np.repeat(np.arange(count, dtype=np.int16)[:, None, None], 4, axis=1)
    return Volume(array, (1.0, 1.0, spacing), (0.0, 0.0, 0.0), "HU")


@pytest.mark.parametrize("slice_mm", [0.0, 2.0, 5.0])
def test_interpolated_heights_return_a_slope(slice_mm: float) -> None:
    """HU that rise with the slice are met again between the slices that were looked at."""
    volume = ct(21, 1.0)
    heights = Heights.of(volume, FLAT, slice_mm)
    seen = heights.mean_over @ volume.array[:, 0, 0]
    assert heights.index[-1] == 20
    assert np.diff(heights.index).max() <= max(slice_mm, 1.0)
    for z in range(21):
        assert heights.back[z] @ seen == pytest.approx(z, abs=1e-4)


def test_smoothing_along_the_body_spreads_a_slice_by_its_sigma() -> None:
    back = Heights.of(ct(41, 0.5), FLAT, 0.0, smooth_mm=1.0).back
    np.testing.assert_allclose(back.sum(axis=1), 1, rtol=1e-5)
    z = np.arange(41) - 20
    assert (back[20] * z**2).sum() ** 0.5 == pytest.approx(2, rel=0.05)
    np.testing.assert_array_equal(Heights.of(ct(41, 0.5), FLAT, 0.0).back, np.eye(41))


def test_a_3d_network_sees_means_over_its_slices() -> None:
    volume = ct(31, 1.0)
    heights = Heights.of(volume, three_d(slab_mm=3.0), 0.0)
    assert np.diff(heights.index) == pytest.approx(3.0)
    assert heights.mean_over.sum(axis=1) == pytest.approx(1.0)
    np.testing.assert_allclose(
        heights.mean_over[1:-1] @ volume.array[:, 0, 0], heights.index[1:-1], atol=1e-4
    )


@pytest.mark.parametrize("count", [3, 4, 5, 9, 20])
def test_slabs_cover_every_slice(count: int) -> None:
    network = three_d()
    found = list(windows(count, network))
    assert all(len(index) == network.slab for index in found)
    assert sorted(set(np.concatenate(found).tolist())) == list(range(count))
    assert [w.tolist() for w in windows(3, FLAT)] == [[0], [1], [2]]


def test_the_ends_of_a_slab_count_least() -> None:
    weight = window_weight(three_d(8))
    assert (weight > 0).all()
    np.testing.assert_allclose(weight, weight[::-1])
    assert weight[0] == weight.min()
    np.testing.assert_array_equal(window_weight(FLAT), [1.0])


def three_d_config(kind: str = "unet") -> SegmentationConfig:
    config = toy_config(epochs=14, batch_size=2, slices_per_epoch=20, augmentation=UNCHANGED)
    changes = {"slab": 4, "slab_mm": 8.0, "kind": kind}
    network = config.network.model_copy(update=changes)
    return config.model_copy(update={"network": network})


@pytest.mark.parametrize("kind", ["unet", "monai"])
def test_a_3d_network_learns_and_segments_behind_the_same_interface(kind: str) -> None:
    if kind == "monai":
        pytest.importorskip("monai")
    config = three_d_config(kind)
    data = collect([toy("A", 1), toy("B", 2)], config)
    assert data.together == 4
    net, _ = train(data, config, 5, CPU, None)
    unseen = toy("T5", 5)
    found = predict(net, unseen.ct, config.network, config.prediction, 3, CPU)
    labels = finished(found.classes, unseen.ct, unseen.ct, config.prediction).array
    for name, label in BODIES.items():
        assert dice_of(labels == label, unseen.labels.array == label) > 0.8, name
    assert found.variance.array.max() > 0


def test_no_slab_reaches_into_another_subject() -> None:
    data = collect([toy("A", 1), toy("B", 2)], three_d_config())
    for draw in range(len(data)):
        slices = data.slices_of(torch.tensor([draw]))
        assert len({data.names[int(i)].split()[0] for i in slices}) == 1


def test_a_ct_shorter_than_the_slab_is_refused() -> None:
    config = three_d_config()
    long = config.network.model_copy(update={"slab": 64})
    with pytest.raises(ValueError, match="20 slices"):
        collect([toy()], config.model_copy(update={"network": long}))


def test_monai_is_asked_for_by_name_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "monai.networks.nets", None)
    with pytest.raises(UsageError, match=r"bmdpipe\[monai\]"):
        build(SegmentationNetwork(kind="monai"), 3, 0)
