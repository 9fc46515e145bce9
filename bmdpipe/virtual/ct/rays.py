"""Parallel rays through a coarse slice and back: the scanner's view of attenuation in the plane.

Pixels are the unit of length; the slice is seen inside the circle that it inscribes.
Source: Kak and Slaney 1988, Principles of Computerized Tomographic Imaging, chapter 3.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft


def project(images: NDArray[np.float32], n_angles: int) -> NDArray[np.float32]:
    """Line integrals `[angle, bin, channel]` of images `[y, x, channel]` over half a turn."""
    n = images.shape[0]
    result = np.zeros((n_angles, n, images.shape[2]), np.float32)
    _forward(images, _angles(n_angles), result)
    return result


def filtered(projections: NDArray[np.float32]) -> NDArray[np.float32]:
    """Projections `[angle, bin]` convolved with the ramp (band-limited to the bins)."""
    n = projections.shape[1]
    size = next_fast_len(2 * n, real=True)
    lag = np.minimum(np.arange(size), size - np.arange(size))
    odd = lag % 2 == 1
    ramp = np.zeros(size)
    ramp[odd] = -1.0 / (np.pi * lag[odd]) ** 2
    ramp[0] = 0.25
    spectrum = rfft(projections, size, axis=1) * rfft(ramp).real.astype(np.float32)
    return np.ascontiguousarray(irfft(spectrum, size, axis=1)[:, :n].astype(np.float32))


def mean_of_rays(projections: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each pixel `[y, x]` the mean over the angles of the rays `[angle, bin]` through it."""
    n_angles, n = projections.shape
    result = np.zeros((n, n), np.float32)
    _backward(projections, _angles(n_angles), result)
    return result


def reconstruct(projections: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filtered back-projection, the inverse of `project` inside its circle and 0 outside."""
    image = mean_of_rays(filtered(projections)) * np.float32(np.pi)
    n = len(image)
    offset = np.arange(n) - 0.5 * (n - 1)
    image[np.hypot(offset, offset[:, None]) > 0.5 * n - 1.0] = 0.0
    return image


def _angles(count: int) -> NDArray[np.float64]:
    """Between the axes, along which pixels would line up."""
    return (np.arange(count) + 0.5) * np.pi / count


@numba.njit(cache=True, nogil=True, fastmath=True)
def _forward(images, angles, result):  # pragma: no cover - compiled
    n, _, channels = images.shape
    middle = np.float32(0.5 * (n - 1))
    reach = 0.5 * n - 1.0
    for a in range(len(angles)):
        c, s = np.float32(np.cos(angles[a])), np.float32(np.sin(angles[a]))
        for b in range(n):
            t = np.float32(b) - middle
            if abs(t) >= reach:
                continue
            half = int(np.sqrt(reach * reach - t * t))
            for q in range(-half, half + 1):
                x = middle + t * c - np.float32(q) * s
                y = middle + t * s + np.float32(q) * c
                i, j = int(x), int(y)
                if i < 0 or j < 0 or i >= n - 1 or j >= n - 1:
                    continue
                fx, fy = x - np.float32(i), y - np.float32(j)
                w11 = fx * fy
                w01, w10 = fx - w11, fy - w11
                w00 = np.float32(1.0) - fx - w10
                for m in range(channels):
                    result[a, b, m] += (
                        w00 * images[j, i, m]
                        + w01 * images[j, i + 1, m]
                        + w10 * images[j + 1, i, m]
                        + w11 * images[j + 1, i + 1, m]
                    )


@numba.njit(cache=True, nogil=True, fastmath=True)
def _backward(projections, angles, result):  # pragma: no cover - compiled
    n_angles, n = projections.shape
    middle = np.float32(0.5 * (n - 1))
    share = np.float32(1.0 / n_angles)
    for a in range(n_angles):
        c, s = np.float32(np.cos(angles[a])), np.float32(np.sin(angles[a]))
        for j in range(n):
            row = (np.float32(j) - middle) * s + middle - middle * c
            for i in range(n):
                t = row + np.float32(i) * c
                b = int(t)
                if t < 0 or b >= n - 1:
                    continue
                f = t - np.float32(b)
                result[j, i] += share * (
                    projections[a, b] + f * (projections[a, b + 1] - projections[a, b])
                )
