"""Attention maps of regression networks: Grad-RAM and Grad-RAMP.

Like Grad-CAM, but with the absolute value in place of the rectifier: for an estimate, features
count that move it in either direction. Source: BMD_prediction (Frontiers in Physiology, 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor

from bmdpipe.explain.response import Response


def grad_ram(response: Response) -> Tensor:
    """`|sum_k alpha_k A_k|` with alpha_k the mean gradient of feature map k; `[n, ...]`."""
    space = tuple(range(2, response.features.ndim))
    alpha = response.gradient.mean(dim=space, keepdim=True)
    return torch.abs((alpha * response.features).sum(dim=1))


def grad_ramp(response: Response) -> Tensor:
    """`|sum_k g_k A_k|` with the gradient of each pixel as its own weight; `[n, ...]`."""
    return torch.abs((response.gradient * response.features).sum(dim=1))
