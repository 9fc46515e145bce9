"""Edges in the scanner's image have the resolution that the kernel promises."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.image_chain import ImageChain, Slice
from bmdpipe.virtual.ct.kernel import KERNELS

MATRIX, PIXEL_MM, FINE = 200, 0.3, 10
LOW, HIGH = 0.0, 2000.0


@pytest.fixture(scope="module")
def slanted_edge():
    """Signed distances (mm) of pixels to an edge 4 degrees off the columns, and each pixel's share
    beyond it, by sampling."""
    normal = np.array([np.cos(np.radians(4.0)), np.sin(np.radians(4.0))])
    places = (np.arange(MATRIX) - 0.5 * (MATRIX - 1)) * PIXEL_MM
    distance = places[None] * normal[0] + places[:, None] * normal[1]
    inner = ((np.arange(FINE) + 0.5) / FINE - 0.5) * PIXEL_MM
    share = np.zeros((MATRIX, MATRIX))
    for dx in inner:
        for dy in inner:
            share += distance + dx * normal[0] + dy * normal[1] > 0
    return distance, share / FINE**2


def _edge_image(kernel: str, share: np.ndarray) -> np.ndarray:
    config = CtConfig(
        matrix=MATRIX, pixel_mm=PIXEL_MM, kernel=kernel, cupping_hu=0, bone_hardening=0
    )
    hu = (LOW + (HIGH - LOW) * share).astype(np.float32)
    image = ImageChain.of(config).form(Slice(hu, np.zeros_like(hu), {}), None, 0.0)
    return (image - LOW) / (HIGH - LOW)


def _measured_mtf(distance, image, frequency):
    """Transform of the derivative of the oversampled edge (the slanted-edge method)."""
    step = 0.05
    inner = (slice(25, -25), slice(25, -25))
    edges = np.arange(-15, 15 + step, step)
    bins = np.digitize(distance[inner].ravel(), edges)
    count = np.bincount(bins, minlength=len(edges) + 1)[1:-1]
    total = np.bincount(bins, image[inner].ravel(), minlength=len(edges) + 1)[1:-1]
    line = np.diff(total / count)
    place = edges[1:-1]
    line *= np.hanning(len(line))
    spectrum = np.abs(np.exp(-2j * np.pi * np.outer(frequency, place)) @ line) / line.sum()
    # Bins average the edge, and differences the line.
    return spectrum / np.sinc(frequency * step) ** 2


@pytest.mark.parametrize("name", KERNELS)
def test_edge_response_meets_the_kernels_cut_offs(name, slanted_edge):
    distance, share = slanted_edge
    frequency = np.linspace(0.02, 1.6, 400)
    mtf = _measured_mtf(distance, _edge_image(name, share), frequency)
    for level, wanted in ((0.5, KERNELS[name].f50_per_mm), (0.1, KERNELS[name].f10_per_mm)):
        last_above = np.flatnonzero(mtf >= level)[-1]
        assert frequency[last_above] == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize(("name", "low", "high"), [("SOFT", 0, 0.03), ("BONE", 0.05, 0.3)])
def test_only_sharp_kernels_overshoot(name, low, high, slanted_edge):
    image = _edge_image(name, slanted_edge[1])[30:-30, 30:-30]
    assert low <= image.max() - 1.0 <= high


def test_configured_kernels_are_the_known_ones():
    assert set(get_args(CtConfig.model_fields["kernel"].annotation)) == set(KERNELS)


def test_sharper_kernels_are_noisier():
    order = [KERNELS[n].noise_gain for n in ("SOFT", "STANDARD", "DETAIL", "BONE", "EDGE")]
    assert order == sorted(order)
    assert order[1] == 1
