"""CTs with a calibration phantom, made for the tests."""

from __future__ import annotations

import numpy as np

from bmdpipe.core.volume import Volume

DENSITIES = (0.0, 50.0, 100.0, 150.0, 200.0)


def phantom_ct(
    *,
    slope: float = 0.8,
    intercept: float = -2.0,
    diameter_mm: float = 18.0,
    gap_mm: float = 27.0,
    angle_deg: float = 0.0,
    drift: tuple[float, float] = (0.0, 0.0),
    rods: tuple[int, ...] = (0, 1, 2, 3, 4),
    reverse: bool = False,
    hu: tuple[float, ...] | None = None,
    base_hu: float = 40.0,
    noise_hu: float = 20.0,
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 3.0),
    size: tuple[int, int, int] = (256, 200, 40),
    prone: bool = False,
    seed: int = 0,
) -> tuple[Volume, np.ndarray]:
    """A body on a mattress over a base block with rods, on a table; and the rods' centres at
    mid-height in the order of DENSITIES. `hu` replaces the rods' line.

    Partial volume by 3x3 sampling."""
    rng = np.random.default_rng(seed)
    nx, ny, nz = size
    sx, sy, sz = spacing_mm
    origin = np.array([-nx * sx / 2, -ny * sy / 2 + 10, 50.0])
    values = hu or tuple((d - intercept) / slope for d in DENSITIES)
    step = gap_mm * np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    middle = np.array([4.3, 108.7])
    array = np.empty((nz, ny, nx), np.int16)
    for k in range(nz):
        z = k * sz
        shift = np.array(drift) * (z - nz * sz / 2)
        image = np.zeros((ny, nx))
        for fx in (-1, 0, 1):
            for fy in (-1, 0, 1):
                x = origin[0] + (np.arange(nx) + fx / 3) * sx
                y = (origin[1] + (np.arange(ny) + fy / 3) * sy)[:, None]
                image += _picture(x - shift[0], y - shift[1], middle, step, values, rods, reverse,
                                  diameter_mm, base_hu)  # fmt: skip
        image = image / 9 + rng.normal(0, noise_hu, image.shape)
        array[k] = np.rint(image)
    centres = np.array([middle + (n - 2) * (-1 if reverse else 1) * step for n in range(5)])
    if prone:
        array = array[:, ::-1, ::-1]
        corner = origin[:2] * 2 + (np.array([nx, ny]) - 1) * [sx, sy]
        centres = corner - centres
    volume = Volume(np.ascontiguousarray(array), spacing_mm, tuple(float(v) for v in origin), "HU")
    return volume, centres


def _picture(x, y, middle, step, values, rods, reverse, diameter_mm, base_hu):
    shape = np.broadcast_shapes(x.shape, y.shape)
    image = np.full(shape, -1000.0)
    body = (x / 165) ** 2 + (y / 85) ** 2 <= 1
    image[body] = 50.0
    image[body & ((x / 150) ** 2 + (y / 72) ** 2 > 1)] = -100.0
    for side in (-1, 1):
        femur = (x - side * 90) ** 2 + y**2
        image[femur <= 24**2] = 700.0
        image[femur <= 21**2] = 250.0
    image[np.broadcast_to((y > 85) & (y < 93), shape) & (np.abs(x) < 180)] = -940.0
    u = step / np.linalg.norm(step)
    along = (x - middle[0]) * u[0] + (y - middle[1]) * u[1]
    across = -(x - middle[0]) * u[1] + (y - middle[1]) * u[0]
    width = 2.5 * np.linalg.norm(step)
    image[(np.abs(along) <= width) & (np.abs(across) <= diameter_mm / 2 + 3.5)] = base_hu
    for n in rods:
        where = (n - 2) * (-1 if reverse else 1) * np.linalg.norm(step)
        image[(along - where) ** 2 + across**2 <= (diameter_mm / 2) ** 2] = values[n]
    image[np.broadcast_to((y > 124) & (y < 128), shape) & (np.abs(x) < 200)] = 100.0
    return image
