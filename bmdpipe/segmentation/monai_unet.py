"""MONAI's UNet behind our interface; MONAI is an optional extra."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmdpipe.core.errors import UsageError


class MonaiUNet(nn.Module):
    """MONAI's residual UNet with its dropout kept on wherever a generator is given.

    MONAI draws dropout from torch's global chance; it is seeded from the generator and put back.
    """

    def __init__(
        self, classes: int, depth: int, base_filters: int, dropout: float, axes: int
    ) -> None:
        super().__init__()
        try:
            from monai.networks.nets import UNet
        except ImportError:
            raise UsageError(
                "segmentation.network.kind is 'monai', which is not installed: "
                "pip install 'bmdpipe[monai]'"
            ) from None
        self.net = UNet(
            spatial_dims=axes,
            in_channels=1,
            out_channels=classes,
            channels=[base_filters * 2**level for level in range(depth)],
            strides=[2] * (depth - 1),
            num_res_units=2,
            norm="batch",
            dropout=dropout,
        )

    def forward(self, slices: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.finish(self.start(slices), generator)

    def start(self, slices: Tensor) -> Tensor:
        """The slices themselves: dropout lies in MONAI's first layers already."""
        return slices

    def finish(self, start: Tensor, generator: torch.Generator | None) -> Tensor:
        drops = [m for m in self.net.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
        for module in drops:
            module.train(generator is not None)
        if generator is None:
            return self.net(start)
        seed = torch.randint(2**62, (), generator=generator, device=generator.device)
        devices = [start.device] if start.is_cuda else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(seed))
            return self.net(start)
