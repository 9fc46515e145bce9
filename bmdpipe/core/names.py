"""The words that config, tables and results share: positionings of a radiograph, BMD targets.

On its own, so that a stage that knows a positioning does not depend on the study's config.
"""

from __future__ import annotations

from typing import Literal

Positioning = Literal["standing", "supine", "abduction", "adduction"]
"""Of the patient in a radiograph (Gu 2023 §3.1)."""
POSITIONINGS: tuple[Positioning, ...] = ("standing", "supine", "abduction", "adduction")
Target = Literal["dxa", "qct"]
"""The BMD that is estimated: areal by DXA (g/cm2), volumetric by quantitative CT (mg/cm3)."""
