"""Networks of timm, an optional extra that needs a torchvision of this very torch."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import nn

from bmdpipe.core.errors import UsageError


def timm_network(name: str, ours: str, channels: int = 1, outputs: int = 2) -> nn.Module:
    """A network of timm with fresh weights. Raises UsageError, with the reason and the equivalent
    of ours, where timm or its torchvision cannot be used."""
    try:
        timm = import_module("timm")
    except (ImportError, RuntimeError) as fault:
        # A torchvision of another torch fails on import with a RuntimeError.
        raise UsageError(
            f"timm cannot be used with torch {torch.__version__}: {fault}. Install "
            f"'bmdpipe[timm]' with a torchvision of this torch, or take '{ours}', the same network "
            "with the same parameter names"
        ) from None
    network: nn.Module = timm.create_model(
        name, pretrained=False, in_chans=channels, num_classes=outputs
    )
    return network
