"""Projectors that run on torch, on the CPU: DiffDRR, nanodrr and plain grid sampling.

Each is called through its renderer, with rays in the form it wants; tensors are made beforehand and
no gradients are kept. Samples of `DIFFDRR_POINTS` and `NANODRR_POINTS` per ray are the packages'
defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse

Engine = Callable[[int], NDArray]
DIFFDRR_POINTS = NANODRR_POINTS = 500
ROWS_AT_ONCE = 32
SLICES_AT_ONCE = 16


def grid_sampling(box: Volume, camera: Camera, pose: NDArray) -> Engine:
    """Joseph's sum written with torch's grid_sample: one sample per slice of the principal axis."""
    import torch

    values = torch.from_numpy(np.ascontiguousarray(box.array, np.float32))[None, None]
    source, ends, length = _rays(box, camera, pose)
    direction = torch.from_numpy(ends - source)
    start, size = torch.from_numpy(source), torch.tensor(box.size)
    axis = direction.abs().amax(dim=(0, 1)).argmax()  # every ray of these views has the same one
    step = direction / direction[..., axis, None]
    mm = torch.from_numpy(length) / direction[..., axis].abs()

    @torch.no_grad()
    def run(threads: int) -> NDArray:
        torch.set_num_threads(threads)
        total = torch.zeros(mm.shape)
        for slices in torch.arange(int(size[axis])).split(SLICES_AT_ONCE):
            at = start + (slices[:, None, None, None] - start[axis]) * step
            grid = (2 * at / (size - 1) - 1).float()[None]
            total += torch.nn.functional.grid_sample(values, grid, align_corners=True)[0, 0].sum(0)
        return (total * mm).float().numpy()

    return run


def diffdrr(renderer: str) -> Callable[[Volume, Camera, NDArray], Engine]:
    """DiffDRR's renderers, some rows at a time: all rays at once need more than 16 GB."""

    def made(box: Volume, camera: Camera, pose: NDArray) -> Engine:
        import torch
        from diffdrr import renderers

        volume = torch.from_numpy(np.ascontiguousarray(box.array.T, np.float32))
        source, ends, length = _rays(box, camera, pose)
        start = torch.from_numpy(source).float()[None, None]
        rays = list(
            zip(
                torch.from_numpy(ends).float().split(ROWS_AT_ONCE),
                torch.from_numpy(length).float().split(ROWS_AT_ONCE),
                strict=True,
            )
        )
        render = getattr(renderers, renderer)()
        options: dict[str, Any] = {"n_points": DIFFDRR_POINTS} if renderer == "Trilinear" else {}

        @torch.no_grad()
        def run(threads: int) -> NDArray:
            torch.set_num_threads(threads)
            parts = [
                render(volume, start, end.reshape(1, -1, 3), mm.reshape(1, 1, -1), **options)
                for end, mm in rays
            ]
            return torch.cat(parts, dim=-1).reshape(length.shape).numpy()

        return run

    return made


def nanodrr(box: Volume, camera: Camera, pose: NDArray) -> Engine:
    """nanodrr's `render`; without a GPU that is its torch path."""
    import torch
    from nanodrr.data import Subject
    from nanodrr.drr.renderer import render

    matrix = torch.from_numpy(box.world_from_index).float()
    to_grid = torch.eye(4)
    size = torch.tensor(box.size)
    to_grid[[0, 1, 2], [0, 1, 2]] = 2 / size
    to_grid[:3, 3] = 1 / size - 1
    values = torch.from_numpy(np.ascontiguousarray(box.array, np.float32))[None, None]
    subject = Subject(
        values, torch.zeros(1, 1, 1, 1, 1), matrix, matrix.inverse(), to_grid,
        torch.zeros(3), max_label=0, convert_to_mu=False,
    )  # fmt: skip
    (cu, cv), (su, sv), sdd = camera.principal_point_px, camera.spacing_mm, camera.sdd_mm
    width, height = camera.size_px
    rows = [[su, 0, -(cu + 0.5) * su], [0, sv, -(cv + 0.5) * sv], [0, 0, sdd]]
    k_inv = torch.tensor(rows)[None] / sdd
    back, distance = torch.from_numpy(inverse(pose)).float()[None], torch.tensor([sdd])

    @torch.no_grad()
    def run(threads: int) -> NDArray:
        torch.set_num_threads(threads)
        image = render(subject, k_inv, back, distance, height, width, NANODRR_POINTS)
        return image[0, 0].numpy()

    return run


PEERS: dict[str, tuple[str, Callable[[Volume, Camera, NDArray], Engine]]] = {
    "torch grid_sample": ("joseph", grid_sampling),
    "DiffDRR trilinear": ("joseph", diffdrr("Trilinear")),
    "DiffDRR siddon": ("siddon", diffdrr("Siddon")),
    "nanodrr": ("joseph", nanodrr),
}


def _rays(box: Volume, camera: Camera, pose: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Source `[3]`, ends `[h, w, 3]` in voxels x, y, z, and lengths `[h, w]` in mm."""
    width, height = camera.size_px
    v, u = np.mgrid[:height, :width].astype(float)
    (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
    ends = np.stack([(u - cu) * su, (v - cv) * sv, np.full(u.shape, camera.sdd_mm)], axis=-1)
    matrix = np.linalg.inv(box.world_from_index) @ inverse(pose)
    return matrix[:3, 3], ends @ matrix[:3, :3].T + matrix[:3, 3], np.linalg.norm(ends, axis=-1)
