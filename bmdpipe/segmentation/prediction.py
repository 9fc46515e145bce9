"""Monte-Carlo prediction: the mean of many dropout passes, and how far they disagree.

Source: Hiasa 2020 (label = argmax of the mean softmax; uncertainty = variance of the softmax over
the passes, averaged over the classes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bmdpipe.core.config.segmentation import SegmentationNetwork, SegmentationPrediction
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.grid import Resampler, WorkingGrid, body_centre, window
from bmdpipe.segmentation.unet import UNet


@dataclass(frozen=True)
class Prediction:
    """On the CT's grid: `classes` uint8, numbered as `CLASSES`, `variance` float32 in 0..0.25."""

    classes: Volume
    variance: Volume


def predict(
    net: UNet,
    ct: Volume,
    network: SegmentationNetwork,
    config: SegmentationPrediction,
    seed: int,
    device: torch.device,
) -> Prediction:
    """Segment a CT in HU; the same seed gives the same passes.

    Slices go through in batches and passes are summed up as they come; memory grows with neither.
    Raises ValueError if there is no body.
    """
    net = net.to(device).eval()
    generator = torch.Generator(device).manual_seed(seed)
    grid = WorkingGrid.around(body_centre(ct), network)
    resampler = Resampler.between(ct, grid, device)
    classes = np.zeros(ct.array.shape, dtype=np.uint8)
    variance = np.zeros(ct.array.shape, dtype=np.float32)
    for start in range(0, len(classes), config.batch_size):
        part = slice(start, start + config.batch_size)
        hu = torch.from_numpy(np.ascontiguousarray(ct.array[part])).to(device)
        slices = window(resampler.slices(hu), network.window_hu)
        mean, spread = monte_carlo(net, slices, config.passes, generator)
        # Outside the working grid nothing is but background, whose share is what is missing to one.
        share = resampler.to_ct(mean[:, 1:])
        best, winner = share.max(dim=1)
        found = torch.where(best > 1 - share.sum(dim=1), winner + 1, 0)
        classes[part] = found.to(torch.uint8).cpu().numpy()
        variance[part] = resampler.to_ct(spread).cpu().numpy()
    return Prediction(ct.like(classes, "label"), ct.like(variance, "variance"))


@torch.inference_mode()
def monte_carlo(
    net: UNet, slices: Tensor, passes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mean softmax `[n, classes, y, x]` of the passes, and its variance averaged over classes.

    `slices` are windowed, `[n, y, x]`. Welford's update keeps the variance non-negative.
    """
    batch = slices[:, None].contiguous(memory_format=torch.channels_last)
    start = net.first.layers(batch)
    mean = torch.zeros(())
    squares = torch.zeros(())
    for done in range(passes):
        share = net.finish(start, generator).softmax(dim=1)
        if done == 0:
            mean, squares = share, torch.zeros_like(share)
            continue
        apart = share - mean
        mean = mean + apart / (done + 1)
        squares = squares + apart * (share - mean)
    return mean, (squares / passes).mean(dim=1)
