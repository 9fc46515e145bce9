"""Class activation maps from feature maps and gradients: Grad-CAM and Grad-CAM++."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.explain.response import Response


def grad_cam(response: Response) -> Tensor:
    """`relu(sum_k alpha_k A_k)` with alpha_k the mean gradient of feature map k; `[n, ...]`.

    Source: Selvaraju 2017, eq. 1 and 2.
    """
    alpha = response.gradient.mean(dim=_space(response), keepdim=True)
    return functional.relu((alpha * response.features).sum(dim=1))


def grad_cam_pp(response: Response) -> Tensor:
    """`relu(sum_k w_k A_k)` with w_k the sum over pixels of alpha relu(g); `[n, ...]`.

    The explained score is exp(S), whose derivatives of any order are powers of S's gradient g times
    exp(S): alpha = g^2 / (2 g^2 + sum(A) g^3). The common factor exp(S) > 0 is left out, it
    overflows and scales a map only. Source: Chattopadhay 2018, eq. 6, 15 and 19.
    """
    space = _space(response)
    g, features = response.gradient, response.features
    total = features.sum(dim=space, keepdim=True)
    below = 2 * g**2 + total * g**3
    alpha = torch.where(below != 0, g**2 / torch.where(below != 0, below, 1.0), 0.0)
    weight = (alpha * functional.relu(g)).sum(dim=space, keepdim=True)
    return functional.relu((weight * features).sum(dim=1))


def _space(response: Response) -> tuple[int, ...]:
    return tuple(range(2, response.features.ndim))
