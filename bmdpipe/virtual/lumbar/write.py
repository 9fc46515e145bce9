"""A whole lumbar cohort on disk, one case in memory at a time."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from bmdpipe.core.atomic import atomic_folder
from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.virtual.lumbar.cohort import lumbar_cases
from bmdpipe.virtual.lumbar.simulate import simulate_lumbar_case

log = logging.getLogger(__name__)


def write_lumbar_cohort(config: LumbarConfig, folder: Path) -> None:
    """A folder per case; a case that is there already is kept, so that a killed run goes on."""
    rows = lumbar_cases(config)
    for row in rows:
        case, start = row["case"], time.perf_counter()
        if (folder / case).exists():
            continue
        with atomic_folder(folder / case) as part:
            truth = simulate_lumbar_case(config, case, part)
        seconds = time.perf_counter() - start
        log.info(
            "%s of %d: core %.0f mg/cm3, %.3f g/cm2, %.1f s",
            case, len(rows), truth["vbmd_mg_cm3"], truth["abmd_g_cm2"], seconds,
        )  # fmt: skip
