"""What the values of other programs' label maps mean, as data.

TotalSegmentator numbers its classes otherwise in version 1 (104 classes) and 2 (117); the lumbar
vertebrae belong to our pelvis as far as they lie below the iliac crests or a little above. Source:
the class tables in TotalSegmentator's documentation (Wasserthal 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bmdpipe.core.errors import UsageError
from bmdpipe.core.labels import BODIES

Body = Literal["pelvis", "femur_r", "femur_l"]
Table = Mapping[str, tuple[int, ...]]

TABLES: dict[str, Table] = {
    "own": {name: (label,) for name, label in BODIES.items()},
    "totalsegmentator-v1": {
        # hip left and right, sacrum, L5 to L1
        "pelvis": (90, 91, 92, 18, 19, 20, 21, 22),
        "femur_r": (89,),
        "femur_l": (88,),
    },
    "totalsegmentator-v2": {
        # hip left and right, sacrum, S1, L5 to L1
        "pelvis": (77, 78, 25, 26, 27, 28, 29, 30, 31),
        "femur_r": (76,),
        "femur_l": (75,),
    },
}


def table_of(chosen: str | Mapping[Body, tuple[int, ...]]) -> Table:
    """A named table, or the one given; raises UsageError on an unknown name, or where a body is
    missing or a value stands for two."""
    if isinstance(chosen, str):
        if chosen not in TABLES:
            raise UsageError(
                f"segmentation.mask_table: '{chosen}' is none of {', '.join(sorted(TABLES))}"
            )
        return TABLES[chosen]
    table: Table = {str(name): values for name, values in chosen.items()}
    missing = [name for name in BODIES if not table.get(name)]
    if missing:
        raise UsageError(f"segmentation.mask_table has no values for {', '.join(missing)}")
    values = [value for name in BODIES for value in table[name]]
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise UsageError(f"segmentation.mask_table: {twice[0]} stands for two bones")
    return table
