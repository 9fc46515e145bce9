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
from bmdpipe.segmentation.border import classes_at
from bmdpipe.segmentation.classes import CLASSES
from bmdpipe.segmentation.grid import Resampler, WorkingGrid, body_centre, window
from bmdpipe.segmentation.networks import Network, as_input
from bmdpipe.segmentation.slabs import Heights, window_weight, windows


@dataclass(frozen=True)
class Prediction:
    """On the CT's grid: `classes` uint8, numbered as `CLASSES`, `variance` float32 in 0..0.25."""

    classes: Volume
    variance: Volume


def predict(
    net: Network,
    ct: Volume,
    network: SegmentationNetwork,
    config: SegmentationPrediction,
    seed: int,
    device: torch.device,
) -> Prediction:
    """Segment a CT in HU; the same seed gives the same passes.

    Shares are found on the working slices, brought to the CT's pixels and heights, and only
    there turned into classes, so that a border may lie within a working pixel. Raises
    ValueError if there is no body.
    """
    net = net.to(device).eval()
    grid = WorkingGrid.around(body_centre(ct), network)
    resampler = Resampler.between(ct, grid, device)
    heights = Heights.of(ct, network, config.slice_mm, config.smooth_mm)
    generator = torch.Generator(device).manual_seed(seed)
    found = _working_shares(net, ct, network, config, resampler, heights, generator)
    classes = np.zeros(ct.array.shape, dtype=np.uint8)
    variance = np.zeros(ct.array.shape, dtype=np.float32)
    # A border lies within a working pixel of where the network puts it.
    reach = max(1, round(network.pixel_mm / min(ct.spacing_mm[:2])))
    for z in range(len(classes)):
        used = np.flatnonzero(heights.back[z])
        weights = torch.from_numpy(heights.back[z, used]).to(device)
        both = resampler.to_ct(torch.tensordot(weights, found[used].float(), dims=1))
        share, spread = both[:-1], both[-1]
        hu = torch.from_numpy(ct.array[z].astype(np.float32)).to(device)
        chosen = classes_at(share, hu, config.border_hu, config.border_weight, reach)
        classes[z] = chosen.cpu().numpy()
        variance[z] = spread.cpu().numpy()
    return Prediction(ct.like(classes, "label"), ct.like(variance, "variance"))


def _working_shares(
    net: Network,
    ct: Volume,
    network: SegmentationNetwork,
    config: SegmentationPrediction,
    resampler: Resampler,
    heights: Heights,
    generator: torch.Generator,
) -> Tensor:
    """Per working slice the share of each class but background, then the variance, as half floats
    `[slice, classes, y, x]`: where slabs overlap, their weighted mean."""
    width, height = network.matrix_px
    device = generator.device
    found = torch.zeros(len(heights), len(CLASSES), height, width, dtype=torch.half, device=device)
    total = torch.zeros(len(heights), device=device)
    weight = torch.from_numpy(window_weight(network)).to(device)
    per_batch = max(1, config.batch_size // network.slab)
    together = list(windows(len(heights), network))
    for first in range(0, len(together), per_batch):
        group = together[first : first + per_batch]
        index = torch.from_numpy(np.concatenate(group)).to(device)
        slices = torch.stack([_working_slice(ct, heights, int(i), resampler) for i in index])
        shown = as_input(network, window(slices, network.window_hu))
        mean, spread = monte_carlo(net, shown, config.passes, generator)
        values = torch.cat([mean[:, 1:], spread[:, None]], dim=1)
        if network.slab > 1:
            values = values.movedim(2, 1).flatten(0, 1)
        counts = weight.repeat(len(group))
        found.index_add_(0, index, (values * counts[:, None, None, None]).half())
        total.index_add_(0, index, counts)
    return found / total[:, None, None, None].half()


def _working_slice(ct: Volume, heights: Heights, index: int, resampler: Resampler) -> Tensor:
    own = heights.mean_over[index]
    used = np.flatnonzero(own)
    hu = np.tensordot(own[used], ct.array[used].astype(np.float32), axes=1)
    return resampler.slices(torch.from_numpy(hu).to(resampler.to_y.device))


@torch.inference_mode()
def monte_carlo(
    net: Network, batch: Tensor, passes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mean softmax `[n, classes, ...]` of the passes, and its variance averaged over classes.

    `batch` is what the network takes. Welford's update keeps the variance non-negative.
    """
    start = net.start(batch)
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
