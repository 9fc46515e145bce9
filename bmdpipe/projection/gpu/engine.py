"""Projections on a GPU: batches of poses in one launch, with gradients by volume and by pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import triton
from numpy.typing import NDArray
from torch import Tensor

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.gpu.kernels import (
    backproject_kernel,
    project_kernel,
    view_gradient_kernel,
)

LANES = 128
Storage = Literal["float32", "float16", "int16"]
DTYPES = {"float32": torch.float32, "float16": torch.float16, "int16": torch.int16}


@dataclass(frozen=True)
class DeviceBody:
    """A body's voxels `[z, y, x]` in a device's memory; `index_from_world` as in `Body`."""

    values: Tensor
    index_from_world: Tensor
    unit: str


def to_device(body: Body, device: torch.device | str, storage: Storage | None = None) -> DeviceBody:
    """Copy a body to a device; by default as it is stored, int16 or float32.

    Raises ValueError if int16 would lose something; float16 keeps 11 bits of each voxel.
    """
    array = np.ascontiguousarray(body.values)
    values = torch.from_numpy(array).to(device)
    if storage is not None:
        stored = values.to(DTYPES[storage])
        if storage == "int16" and not torch.equal(stored.to(values.dtype), values):
            raise ValueError("int16 cannot hold these values without loss")
        values = stored
    matrix = torch.from_numpy(np.asarray(body.index_from_world, dtype=np.float64)).to(device)
    return DeviceBody(values, matrix, body.unit)


def project(body: DeviceBody, camera: Camera, camera_from_world: Tensor | NDArray) -> Tensor:
    """Line integrals `[n, h, w]`, value x mm, at poses `[n, 4, 4]` (rigid); differentiable.

    Gradients flow to `body.values` if it is float32, and to the poses if they are a float64 tensor
    that asks for them.
    """
    device = body.values.device
    poses = torch.as_tensor(camera_from_world, dtype=torch.float64, device=device)
    rotation = poses[:, :3, :3].transpose(1, 2)
    origin = -rotation @ poses[:, :3, 3:]
    world_from_camera = torch.cat([rotation, origin], dim=2)
    linear, shift = body.index_from_world[:3, :3], body.index_from_world[:3, 3:]
    index_from_camera = linear @ world_from_camera
    index_from_camera = index_from_camera + torch.nn.functional.pad(shift, (3, 0))
    return _Projection.apply(body.values, index_from_camera, camera)


def backproject(
    images: Tensor, body: DeviceBody, camera: Camera, camera_from_world: Tensor | NDArray
) -> Tensor:
    """The transpose of `project`: from images `[n, h, w]` to `[z, y, x]` of the body's shape."""
    empty = torch.zeros(body.values.shape, dtype=torch.float32, device=body.values.device)
    empty.requires_grad_(True)
    same = DeviceBody(empty, body.index_from_world, body.unit)
    projected = project(same, camera, camera_from_world)
    (result,) = torch.autograd.grad(projected, empty, images)
    return result


def project_views(values: Tensor, views: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Line integrals `[n, h, w]` through `values` `[z, y, x]`; `views` `[n, 17]` float64 as the
    kernels take them (those of `bmdpipe.projection.views`)."""
    height, width = shape
    images = torch.empty((len(views), height, width), device=values.device)
    nz, ny, nx = values.shape
    project_kernel[_grid(images)](values, views, images, height, width, nx, ny, nz, LANES=LANES)
    return images


def backproject_views(images: Tensor, views: Tensor, volume: Tensor) -> None:
    """Add to `volume` `[z, y, x]`, float32, what images `[n, h, w]` send back."""
    _, height, width = images.shape
    nz, ny, nx = volume.shape
    backproject_kernel[_grid(images)](images, views, volume, height, width, nx, ny, nz, LANES=LANES)


class _Projection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, index_from_camera: Tensor, camera: Camera) -> Tensor:
        views = _views(index_from_camera, camera)
        width, height = camera.size_px
        ctx.save_for_backward(values, views)
        return project_views(values, views, (height, width))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        values, views = ctx.saved_tensors
        images = gradients[0].contiguous()
        _, height, width = images.shape
        nz, ny, nx = values.shape
        by_values = by_view = None
        if ctx.needs_input_grad[0]:
            by_values = torch.zeros(values.shape, dtype=torch.float32, device=values.device)
            backproject_views(images, views, by_values)
        if ctx.needs_input_grad[1]:
            tiles, n = _grid(images)
            partial = torch.empty((n, tiles, 12), dtype=torch.float64, device=values.device)
            view_gradient_kernel[(tiles, n)](
                values, views, images, partial, height, width, nx, ny, nz, LANES=LANES
            )
            by_view = partial.sum(dim=1).reshape(n, 3, 4)
        return by_values, by_view, None


def _grid(images: Tensor) -> tuple[int, int]:
    n, height, width = images.shape
    return triton.cdiv(height * width, LANES), n


def _views(index_from_camera: Tensor, camera: Camera) -> Tensor:
    numbers = [camera.sdd_mm, *camera.spacing_mm, *camera.principal_point_px]
    seen = torch.tensor(numbers, dtype=torch.float64, device=index_from_camera.device)
    flat = index_from_camera.detach().reshape(-1, 12)
    return torch.cat([flat, seen.expand(len(flat), 5)], dim=1).contiguous()
