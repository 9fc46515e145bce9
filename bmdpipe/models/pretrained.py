"""Weights that a user has, taken over into a network whose input and output may differ.

Nothing is downloaded: the file is the user's, in safetensors, such as timm's or torchvision's of
ResNet18, DenseNet121 or EfficientNet-B0 (their names are those of our networks).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bmdpipe.core.errors import UsageError

COUNTERS = "num_batches_tracked"


def take_over(network: nn.Module, path: Path, head: str) -> None:
    """Fill a network in place but for its last layer, the module `head`, which stays as it is.

    Weights for colour images are summed over the colours where the network takes grey ones: the
    response to a grey image is the same. Raises UsageError if the file is missing, no safetensors,
    or of another network.
    """
    try:
        given = load_file(path)
    except (OSError, SafetensorError) as fault:
        raise UsageError(f"{path} cannot be read as safetensors: {fault}") from None
    own = network.state_dict()
    wanted = [k for k in own if not k.startswith(head + ".") and not k.endswith(COUNTERS)]
    missing = [name for name in wanted if name not in given]
    if missing:
        raise UsageError(f"{path} is of another network: it has no '{missing[0]}'")
    taken = {name: _fitted(name, given[name], own[name], path) for name in wanted}
    network.load_state_dict(own | taken)


def _fitted(name: str, given: Tensor, own: Tensor, path: Path) -> Tensor:
    if given.ndim >= 4 and own.shape[1] == 1 and given.shape[1] > 1:
        given = given.sum(dim=1, keepdim=True)
    if given.shape != own.shape:
        raise UsageError(
            f"{path} is of another network: '{name}' is {tuple(given.shape)}, "
            f"not {tuple(own.shape)}"
        )
    return given.to(torch.float32)
