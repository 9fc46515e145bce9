"""A gradient-descent registration with DiffDRR's renderer, for comparison.

One body, one view: Adam on three turns and three shifts about the body's centre, the loss is one
minus the gradient correlation of the same window, derivatives and mask as ours.
Source: Gopalakrishnan and Golland 2022, Fast auto-differentiable digitally reconstructed
radiographs (its registration example: 250 steps of gradient descent from one start).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import apply
from bmdpipe.registration.similarity import GradientCorrelation

POINTS = 500
"""Samples a ray: the renderer's default."""
STEPS = 250
RATES = (2e-2, 1.0)
"""Adam's rates of turns (radians) and shifts (mm)."""
LEAST_RISE, PATIENCE = 1e-4, 40


def descend(
    volume: Volume,
    centre_mm: NDArray,
    camera: Camera,
    measure: GradientCorrelation,
    background: NDArray,
    start: NDArray,
    threads: int,
) -> tuple[NDArray, int]:
    """The pose `camera_from_ct` that it ends at, and the images that it took."""
    import torch
    from diffdrr import renderers

    torch.set_num_threads(threads)
    density = torch.from_numpy(np.ascontiguousarray(volume.array.transpose(2, 1, 0), np.float32))
    render = renderers.Trilinear()
    index_from_world = torch.from_numpy(np.linalg.inv(volume.world_from_index)).float()
    width, height = camera.size_px
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
    ends = torch.stack(
        [(u - cu) * su, (v - cv) * sv, torch.full(u.shape, camera.sdd_mm)], dim=-1
    ).reshape(-1, 3)
    length = ends.norm(dim=-1)[None, None]
    base = torch.from_numpy(np.asarray(start)).float()
    centre = torch.from_numpy(apply(start, centre_mm)).float()
    ground = torch.from_numpy(background)
    turn, shift = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    optimiser = torch.optim.Adam(
        [{"params": [turn], "lr": RATES[0]}, {"params": [shift], "lr": RATES[1]}]
    )
    best, kept, waited, images = -np.inf, base, 0, 0
    for _ in range(STEPS):
        rotation = torch.linalg.matrix_exp(_cross(turn))
        pose = torch.eye(4)
        pose[:3, :3] = rotation @ base[:3, :3]
        pose[:3, 3] = rotation @ (base[:3, 3] - centre) + centre + shift
        back = index_from_world @ torch.linalg.inv(pose)
        there = ends @ back[:3, :3].T + back[:3, 3]
        image = render(density, back[:3, 3][None, None], there[None], length, n_points=POINTS)
        score = _correlation(image.reshape(height, width) + ground, measure)
        images += 1
        value = float(score.detach())
        waited = 0 if value > best + LEAST_RISE else waited + 1
        if value > best:
            best, kept = value, pose.detach()
        if waited >= PATIENCE:
            break
        optimiser.zero_grad()
        (1 - score).backward()
        optimiser.step()
    return kept.numpy().astype(np.float64), images


def _cross(w):
    import torch

    zero = torch.zeros(())
    rows = [(zero, -w[2], w[1]), (w[2], zero, -w[0]), (-w[1], w[0], zero)]
    return torch.stack([torch.stack(row) for row in rows])


def _correlation(image, measure: GradientCorrelation):
    import torch
    from torch.nn.functional import conv2d

    smooth, slope = torch.from_numpy(measure.smooth), torch.from_numpy(measure.slope)
    kernels = torch.stack([smooth[:, None] * slope, slope[:, None] * smooth])[:, None]
    own = conv2d(image[None, None], kernels)[0]
    weight = torch.from_numpy(measure.weight)
    own = (own - (own * weight).sum(dim=(1, 2), keepdim=True) / weight.sum()) * weight
    norms = own.flatten(1).norm(dim=1) + 1e-12
    return 0.5 * ((own * torch.from_numpy(measure.fixed)).flatten(1).sum(dim=1) / norms).sum()
