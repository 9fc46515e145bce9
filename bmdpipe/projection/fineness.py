"""What can be chosen about a projection: the model, and how fine a factored one is."""

from __future__ import annotations

from typing import Literal

Method = Literal["joseph", "siddon", "factored"]
Fineness = Literal["fast", "standard", "fine"]

STEPS: dict[Fineness, tuple[float, float]] = {
    "fast": (1.0, 0.95),
    "standard": (0.8, 0.55),
    "fine": (0.5, 0.35),
}
"""Steps of the factored engine's picture in voxels, along and across rows of voxels. Error bounds
are in docs/projection.md; tests/projection/test_factored.py holds the engine to them."""
ERROR_BOUNDS: dict[Fineness, float] = {"fast": 2.5e-2, "standard": 1.1e-2, "fine": 5e-3}
"""Relative L2 to Joseph's projection for a masked bone, whose edges are as sharp as voxels allow;
of a whole body an eighth of that."""
