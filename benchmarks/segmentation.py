"""Voxels per second of a Monte-Carlo pass of the Bayesian U-Net and of MONAI's U-Net of the same
size, in one run.

`OMP_NUM_THREADS=2 python benchmarks/segmentation.py` needs MONAI for the comparison and leaves it
out, and says so, where it is missing. Passes of the two take turns, and the fastest of each counts,
so that what else the machine does weighs little. It ends with JSON, the machine's load in it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Callable, Mapping

import torch

from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.segmentation.networks import build

REPEATS = 8
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
def voxels_per_second(
    chosen: Mapping[str, Pass], matrix: tuple[int, int], slices: int
) -> dict[str, float]:
    """Of each kind the fastest Monte-Carlo pass over a batch of random slices, after a first one;
    the kinds take turns."""
    width, height = matrix
    generator = torch.Generator().manual_seed(0)
    batch = torch.rand(slices, 1, height, width, generator=generator)
    batch = batch.contiguous(memory_format=torch.channels_last)
    seconds: dict[str, list[float]] = {kind: [] for kind in chosen}
    for _ in range(REPEATS + 1):
        for kind, one_pass in chosen.items():
            start = time.perf_counter()
            one_pass(batch, generator)
            seconds[kind].append(time.perf_counter() - start)
    return {kind: slices * width * height / min(taken[1:]) for kind, taken in seconds.items()}


def main() -> None:
    kinds = {"bmdpipe": our_pass}
    if importlib.util.find_spec("monai") is None:
        print("MONAI is not installed: no comparison")
    else:
        kinds["monai"] = monai_pass
    found: dict[str, dict[str, float]] = {}
    for name, (filters, matrix, slices) in SIZES.items():
        made = {kind: make(filters) for kind, make in kinds.items()}
        passes = {kind: one_pass for kind, (one_pass, _) in made.items()}
        found[name] = voxels_per_second(passes, matrix, slices)
        for kind, (_, net) in made.items():
            parameters = sum(p.numel() for p in net.parameters())
            speed = found[name][kind] / 1e6
            print(f"{name}, {kind}: {speed:.3f} million voxels/s, {parameters} parameters")
    threads, load = torch.get_num_threads(), os.getloadavg()[0]
    print(json.dumps({"threads": threads, "load": round(load, 1), "voxels_per_s": found}))


if __name__ == "__main__":
    main()
