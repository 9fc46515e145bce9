"""Voxels per second of a Monte-Carlo pass of the Bayesian U-Net and of MONAI's U-Net of the same
size, in one run; and a CT through the stage.

`python benchmarks/segmentation.py` needs MONAI for the comparison and leaves it out, and
says so, where it is missing. It ends with JSON. `segment_seconds` is for other benchmarks.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.segmentation import SegmentationConfig, SegmentationNetwork
from bmdpipe.core.files import MODEL, WEIGHTS
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.finish import finished
from bmdpipe.segmentation.networks import build
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.saved import restore

REPEATS = 3
SIZES = {
    "CPU network of docs/segmentation.md": (8, (256, 176), 8),
    "Hiasa 2020": (32, (512, 512), 1),
}
"""Filters of the first level, matrix and slices of a batch."""

Pass = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def our_pass(filters: int) -> tuple[Pass, torch.nn.Module]:
    net = build(SegmentationNetwork(base_filters=filters, dropout=0.1), 3, seed=0).eval()
    return net, net


def monai_pass(filters: int) -> tuple[Pass, torch.nn.Module]:
    """MONAI's BasicUNet, which has the same levels, convolutions and filters."""
    from monai.networks.nets import BasicUNet

    features = (*(filters * 2**level for level in range(5)), filters)
    net = BasicUNet(2, 1, 3, features, act="relu", norm="batch", dropout=0.1).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.train()
    net = net.to(memory_format=torch.channels_last)
    return lambda batch, _: net(batch), net


@torch.inference_mode()
def voxels_per_second(chosen: Pass, matrix: tuple[int, int], slices: int) -> float:
    """The median of some Monte-Carlo passes over a batch of random slices, after a first one."""
    width, height = matrix
    generator = torch.Generator().manual_seed(0)
    batch = torch.rand(slices, 1, height, width, generator=generator)
    batch = batch.contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        chosen(batch, generator)
        seconds.append(time.perf_counter() - start)
    return slices * width * height / statistics.median(seconds[1:])


def segment_seconds(ct: Volume, trained: Path, passes: int = 10, slice_mm: float = 2.0) -> float:
    """Seconds from a CT in memory to its final labels, by a trained network's folder."""
    net, network = restore(trained / WEIGHTS, read_json(trained / MODEL))
    config = SegmentationConfig.model_validate(
        {"prediction": {"passes": passes, "slice_mm": slice_mm}}
    )
    start = time.perf_counter()
    found = predict(net, ct, network, config.prediction, 0, torch.device("cpu"))
    finished(found.classes, ct, ct, config.prediction)
    return time.perf_counter() - start


def main() -> None:
    kinds = {"bmdpipe": our_pass}
    if importlib.util.find_spec("monai") is None:
        print("MONAI is not installed: no comparison")
    else:
        kinds["monai"] = monai_pass
    found: dict[str, dict[str, float]] = {}
    for name, (filters, matrix, slices) in SIZES.items():
        for kind, make in kinds.items():
            chosen, net = make(filters)
            speed = voxels_per_second(chosen, matrix, slices)
            parameters = sum(p.numel() for p in net.parameters())
            found.setdefault(name, {})[kind] = speed
            print(f"{name}, {kind}: {speed / 1e6:.3f} million voxels/s, {parameters} parameters")
    print(json.dumps({"threads": torch.get_num_threads(), "voxels_per_s": found}))


if __name__ == "__main__":
    main()
