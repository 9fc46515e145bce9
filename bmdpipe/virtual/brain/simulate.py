"""One virtual brain, from its number to its volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from bmdpipe.core.config.virtual.brain import BrainConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.brain.anatomy import ATLAS, paint
from bmdpipe.virtual.brain.shapes import Field
from bmdpipe.virtual.brain.traits import BrainTraits, draw_traits
from bmdpipe.virtual.demographics import stream

BEDS = [label for label, name in ATLAS.items() if name.startswith("hippocampus")]
WHITE_SIGNAL = 900.0
CHANGED = 0.04
"""A voxel belongs to the site if its signal differs by more, in parts of white matter."""


@dataclass(frozen=True)
class VirtualBrain:
    """A volume as acquired and what is true of it, all on the same voxels.

    `site` is where the head differs from the same head without loss (for an unimpaired one: from
    the same head with the cohort's mean loss): the atrophy and nothing else.
    """

    traits: BrainTraits
    volume: Volume
    atlas: Volume
    site: Volume


def make_brain(config: BrainConfig, number: int) -> VirtualBrain:
    """The case of a number, in memory; nothing of another case plays in."""
    traits = draw_traits(config, number)
    grid = _grid(config)
    points = _in_head(grid, traits)
    signal, label = paint(points, traits, config.voxel_mm)
    other = traits.with_loss(0.0 if traits.impaired else config.atrophy)
    near = np.isin(label, BEDS)
    near = binary_dilation(near, iterations=2)
    changed = np.zeros(label.shape, bool)
    changed[near] = np.abs(paint(points[near], other, config.voxel_mm)[0] - signal[near]) > CHANGED
    return VirtualBrain(
        traits=traits,
        volume=grid.like(_acquired(config, number, signal), "arbitrary"),
        atlas=grid.like(label, "label"),
        site=grid.like(changed.astype(np.uint8), "label"),
    )


def _grid(config: BrainConfig) -> Volume:
    size = [round(side / config.voxel_mm) for side in config.field_mm]
    x, y, z = (-0.5 * (n - 1) * config.voxel_mm for n in size)
    return Volume(np.zeros(size[::-1], np.uint8), (config.voxel_mm,) * 3, (x, y, z), "nothing")


def _in_head(grid: Volume, traits: BrainTraits) -> NDArray[np.float32]:
    """The voxels' centres in the head's own frame, `[z, y, x, 3]`."""
    z, y, x = (np.arange(n) for n in grid.array.shape)
    index = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1).transpose(2, 1, 0, 3)
    turned = Rotation.from_euler("xyz", traits.turn_deg, degrees=True).as_matrix()
    return ((grid.world_at(index) - traits.shift_mm) @ turned).astype(np.float32)


def _acquired(config: BrainConfig, number: int, signal: Field) -> NDArray[np.int16]:
    """Signal under a slow shading of the coil, with Rician noise (Gudbjartsson 1995)."""
    rng = stream(config.seed, number, "scan")
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in signal.shape]
    a, b, c = np.meshgrid(*axes, indexing="ij")
    terms = (a, b, c, a * b, b * c, a * a - 0.5, c * c - 0.5)
    field = sum(rng.uniform(-1, 1) * term for term in terms) / np.sqrt(len(terms))
    real = signal * np.exp(config.bias_field * field)
    first, second = rng.normal(0, config.noise, (2, *signal.shape))
    magnitude = np.hypot(real + first, second)
    gain = WHITE_SIGNAL * rng.uniform(0.7, 1.4)
    return np.rint(gain * magnitude).astype(np.int16)
