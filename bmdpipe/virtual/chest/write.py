"""A whole chest cohort on disk, one case in memory at a time."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from bmdpipe.core.atomic import atomic_folder
from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.chest.cohort import chest_cases
from bmdpipe.virtual.chest.simulate import simulate_chest_case

log = logging.getLogger(__name__)


def write_chest_cohort(config: ChestConfig, folder: Path) -> None:
    """A folder per case; a case that is there already is kept, so that a killed run goes on."""
    rows = chest_cases(config)
    for row in rows:
        case, start = row["case"], time.perf_counter()
        if (folder / case).exists():
            continue
        with atomic_folder(folder / case) as part:
            truth = simulate_chest_case(config, case, part)
        seconds = time.perf_counter() - start
        shown = ", ".join(truth["findings"]) or "healthy"
        log.info("%s of %d: %s, %.1f s", case, len(rows), shown, seconds)
