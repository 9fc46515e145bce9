"""Run with TRITON_INTERPRET=1: writes how far the kernels are from the CPU's projector, as JSON."""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import about, inverse, rigid
from bmdpipe.projection import joseph, projector
from bmdpipe.projection.body import Body
from bmdpipe.projection.gpu.engine import DeviceBody, Storage, backproject, project, to_device
from bmdpipe.registration.similarity import GradientCorrelation

CAMERA = Camera(300.0, (2.3, 1.9), (14, 11), (5.1, 6.2))
TURN = np.array([4.0, -3.0, 2.0])
STEP = 1e-6
"""mm or radians: so small that hardly a sample crosses a voxel's border."""


def ball(rough: float) -> Body:
    """A smooth blob in whole mg/cm3, or with noise of a relative amplitude."""
    z, y, x = np.mgrid[:18, :22, :20].astype(float)
    array = 3000 * np.exp(-((x - 10) ** 2 + (y - 11) ** 2 + (z - 9) ** 2) / 30)
    array *= 1 + rough * np.random.default_rng(3).random(array.shape)
    spacing, origin = (0.8, 0.6, 0.9), (-8.0, -6.5, -8.0)
    return Body.from_volume(Volume(np.rint(array).astype(np.float32), spacing, origin, "mg/cm3"))


def views_along(degrees: list[tuple[float, float, float]]) -> NDArray[np.float64]:
    start = rigid(np.eye(3), np.array([0.0, 0.0, 200.0]))
    shift = np.array([1.0, -2.0, 3.0])
    return np.stack([start @ about(np.zeros(3), np.array(d), shift) for d in degrees])


NEAR_AXES = [(3.0, 5.0, 8.0), (93.0, 4.0, 2.0), (5.0, 88.0, 3.0), (12.0, 20.0, 75.0)]
BETWEEN_AXES = [(44.0, 46.0, 10.0), (45.0, 0.0, 0.0)]


def moved(views: torch.Tensor, shift: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """The body turned by a rotation vector and shifted before it is seen."""
    zero = torch.zeros(len(views), dtype=torch.float64)
    x, y, z = turn.unbind(1)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    motion = torch.cat([torch.matrix_exp(skew), shift[:, :, None]], 2)
    last = torch.tensor([[[0.0, 0, 0, 1]]], dtype=torch.float64).expand(len(views), 1, 4)
    return views @ torch.cat([motion, last], 1)


def relative(found: NDArray, expected: NDArray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def joseph_in_double(body: Body, camera_from_world: NDArray) -> NDArray[np.float64]:
    """Joseph's sum written down plainly: in every slice along the ray's principal axis, one sample
    (linear interpolation in three dimensions is bilinear within a slice)."""
    matrix = body.index_from_world @ inverse(camera_from_world)
    (width, height), (cu, cv) = CAMERA.size_px, CAMERA.principal_point_px
    v, u = np.mgrid[:height, :width].astype(float)
    sx, sy = CAMERA.spacing_mm
    rays = np.stack([(u - cu) * sx, (v - cv) * sy, np.full(u.shape, CAMERA.sdd_mm)], -1)
    direction, start = rays @ matrix[:3, :3].T, matrix[:3, 3]
    axis = np.abs(direction).argmax(-1)
    along = np.take_along_axis(direction, axis[..., None], -1)[..., 0]
    values = body.values.astype(float)
    total = np.zeros(u.shape)
    for k in range(max(values.shape)):
        t = (k - start[axis]) / along
        points = start + t[..., None] * direction
        sample = map_coordinates(values, np.moveaxis(points[..., ::-1], -1, 0), order=1)
        total += np.where((t > 0) & (t < 1), sample, 0.0)
    return total * np.linalg.norm(rays, axis=-1) / np.abs(along)


def pose_gradients() -> dict[str, float]:
    """Against central differences in float64, which the kinks of Joseph's model hardly touch."""
    views = torch.from_numpy(views_along(NEAR_AXES))
    body = ball(0.3)
    weights = torch.rand((len(views), 11, 14), generator=torch.Generator().manual_seed(1))
    zero = torch.zeros((len(views), 3), dtype=torch.float64)
    given = {"shift": zero.clone().requires_grad_(), "turn": zero.clone().requires_grad_()}
    seen = project(to_device(body, "cpu"), CAMERA, moved(views, **given))
    (seen * weights).sum().backward()
    result = {}
    for name in given:
        numeric = np.zeros((len(views), 3))
        for k in range(3):
            bump = zero.clone()
            bump[:, k] = STEP
            for sign in (1, -1):
                poses = moved(views, **{"shift": zero, "turn": zero, name: sign * bump})
                for n, pose in enumerate(poses.numpy()):
                    loss = (joseph_in_double(body, pose) * weights[n].double().numpy()).sum()
                    numeric[n, k] += sign * loss / (2 * STEP)
        result[f"gradient by {name}"] = relative(given[name].grad.numpy(), numeric)
    return result


def engine_by_name(body: Body, views: NDArray, reference: NDArray) -> dict[str, float]:
    """`engine="cuda"`: numpy in and out, against the CPU's engine behind the same functions."""
    result = {"by name": relative(projector.project(body, CAMERA, views, engine="cuda"), reference)}
    (device,) = (name for name in body.elsewhere if name != "native")
    kept = body.elsewhere[device]
    moved_body = Body(body.values, body.index_from_world @ about(np.zeros(3), TURN, TURN), "mg/cm3")
    pair = projector.project([body, moved_body], CAMERA, [views, views], engine="cuda")
    both = reference + projector.project(moved_body, CAMERA, views)
    result["two bodies"] = relative(pair, both)
    result["copied again"] = float(body.elsewhere[device] is not kept)
    images = np.random.default_rng(2).random(reference.shape)
    one, two = (
        projector.back_project(body, CAMERA, views, images, engine=e) for e in ("cuda", "auto")
    )
    result["back by name"] = relative(one, two)
    measure = GradientCorrelation.of(reference[0], 0.6)
    one, two = (
        projector.gradient_correlations(body, CAMERA, views, measure, method="joseph", engine=e)
        for e in ("cuda", "auto")
    )
    result["scores by name"] = relative(one, two)
    return result


def main() -> None:
    body, views = ball(0.3), views_along(NEAR_AXES + BETWEEN_AXES)
    reference = joseph.project(body, CAMERA, views)
    result = {}
    storages: dict[Storage, slice] = {
        "float32": slice(6),
        "int16": slice(0, 6, 3),
        "float16": slice(2),
    }
    for storage, some in storages.items():
        images = project(to_device(body, "cpu", storage), CAMERA, views[some])
        result[storage] = relative(images.numpy(), reference[some])

    device = to_device(body, "cpu", "float32")
    views, reference = views[::2], reference[::2]  # one along each axis
    pictures = torch.rand(reference.shape, generator=torch.Generator().manual_seed(0))
    back = backproject(pictures, device, CAMERA, views)
    forth = (torch.from_numpy(reference).double() * pictures).sum()
    result["transpose"] = abs(((back.double() * device.values).sum() / forth).item() - 1)

    values = device.values.clone().requires_grad_()
    images = project(DeviceBody(values, device.index_from_world, device.unit), CAMERA, views)
    (images * pictures).sum().backward()
    result["gradient by volume"] = relative(values.grad.numpy(), back.numpy())
    result |= engine_by_name(body, views[:1], reference[:1])
    sys.stdout.write(json.dumps(result | pose_gradients()))


if __name__ == "__main__":
    main()
