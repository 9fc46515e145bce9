"""The network that the config names, whatever it is made of: 2D or 3D, our own or MONAI's."""

from __future__ import annotations

import torch
from torch import Tensor

from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.segmentation.monai_unet import MonaiUNet
from bmdpipe.segmentation.unet import UNet

Network = UNet | MonaiUNet
"""What training and prediction work with: called for logits, or `start` for what all Monte-Carlo
passes share and `finish` for the rest. With a generator, dropout acts."""


def build(config: SegmentationNetwork, classes: int, seed: int) -> Network:
    """A network whose first weights depend on the seed alone.

    Raises UsageError if the config asks for MONAI and it is not installed.
    """
    axes = 2 if config.slab == 1 else 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.kind == "monai":
            return MonaiUNet(classes, config.depth, config.base_filters, config.dropout, axes)
        net = UNet(classes, config.depth, config.base_filters, config.dropout, axes)
    order = torch.channels_last if axes == 2 else torch.channels_last_3d
    return net.to(memory_format=order)  # type: ignore[call-overload]


def as_input(config: SegmentationNetwork, slices: Tensor) -> Tensor:
    """Windowed slices `[n, y, x]`, of a 3D network slab after slab, as the network takes them."""
    if config.slab == 1:
        return slices[:, None].contiguous(memory_format=torch.channels_last)
    slabs = slices.reshape(-1, 1, config.slab, *slices.shape[1:])
    return slabs.contiguous(memory_format=torch.channels_last_3d)
