"""Where torch computes."""

from __future__ import annotations

import torch


def pick_device(choice: str) -> torch.device:
    """The device of a config's `auto`, `cpu` or `cuda`; `auto` is a GPU where there is one."""
    if choice == "auto":
        choice = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(choice)
