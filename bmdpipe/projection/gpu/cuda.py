"""Projection on a CUDA device behind the interface of the CPU's engines: numpy in, numpy out.

A body is copied to the device when it is first seen and stays there as long as it lives. Torch
users who want gradients or images on the device call `bmdpipe.projection.gpu.engine` itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bmdpipe.projection.body import Body
from bmdpipe.projection.compiled import correlation
from bmdpipe.projection.fineness import Fineness, Method
from bmdpipe.projection.gpu.engine import backproject_views, project_views, to_device
from bmdpipe.projection.joseph_only import JosephOnly
from bmdpipe.projection.measure import Measure, image_shape
from bmdpipe.projection.views import Views

AT_ONCE = 256
"""Views of one launch, which bounds the memory for images on the device."""


class Cuda(JosephOnly):
    """Joseph's images, their transpose and scores by them; `threads` counts for scores alone."""

    name = "cuda"

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def add_joseph(
        self, body: Body, views: Views, images: NDArray[np.float32], threads: int
    ) -> None:
        """Add line integrals in value x mm to `images` `[n, h, w]`."""
        values = self._kept(body)
        for part in _parts(len(views)):
            images[part] += project_views(values, self._sent(views[part]), images.shape[-2:]).numpy(
                force=True
            )

    def back_project(
        self, body: Body, views: Views, images: NDArray[np.float32], threads: int
    ) -> NDArray[np.float32]:
        """The transpose: what images `[n, h, w]` send to voxels `[z, y, x]`."""
        shape = body.values.shape
        volume = torch.zeros(shape, dtype=torch.float32, device=self.device)
        for part in _parts(len(views)):
            backproject_views(self._sent(images[part]), self._sent(views[part]), volume)
        return volume.numpy(force=True)

    def score(
        self,
        method: Method,
        bodies: Sequence[Body],
        views: Sequence[Views],
        measure: Measure,
        background: NDArray[np.float32] | None,
        threads: int,
        fineness: Fineness,
    ) -> NDArray[np.float64]:
        """Gradient correlations `[n]` of Joseph's images; the CPU correlates."""
        if method != "joseph":
            self._refuse(f"method {method!r}")
        scores = np.zeros(len(views[0]))
        for part in _parts(len(scores)):
            images = np.zeros((len(scores[part]), *image_shape(measure)), np.float32)
            if background is not None:
                images += background
            for body, own in zip(bodies, views, strict=True):
                self.add_joseph(body, own[part], images, threads)
            correlation.correlate(
                images, measure.smooth, measure.slope, measure.fixed, measure.weight, scores[part]
            )
        return scores

    def _kept(self, body: Body) -> Tensor:
        place = str(self.device)
        if place not in body.elsewhere:
            body.elsewhere[place] = to_device(body, self.device).values
        values: Tensor = body.elsewhere[place]
        return values

    def _sent(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def cuda() -> Cuda:
    """The engine on the current CUDA device, or on the CPU under TRITON_INTERPRET=1 (for tests).

    Raises RuntimeError where there is no device.
    """
    if os.environ.get("TRITON_INTERPRET") == "1":
        return Cuda(torch.device("cpu"))
    if not torch.cuda.is_available():
        raise RuntimeError("engine 'cuda' found no CUDA device: take 'native' or 'numba'")
    return Cuda(torch.device("cuda", torch.cuda.current_device()))


def _parts(n: int) -> list[slice]:
    return [slice(i, min(i + AT_ONCE, n)) for i in range(0, n, AT_ONCE)]
