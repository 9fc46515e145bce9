"""A whole brain cohort on disk in the layout of a user's own: a table and NIfTI files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bmdpipe.core.atomic import write_json, write_text
from bmdpipe.core.config.virtual.brain import BrainConfig
from bmdpipe.core.files import ATLAS_NAMES, BRAIN_ATLAS, BRAIN_SITE, BRAIN_VOLUME, PARTICIPANTS
from bmdpipe.imaging.nifti import write_volume
from bmdpipe.virtual.brain.anatomy import ATLAS
from bmdpipe.virtual.brain.simulate import make_brain
from bmdpipe.virtual.case_names import case_name

GROUPS = {False: "normal", True: "impaired"}


def write_brain_cohort(config: BrainConfig, folder: Path) -> None:
    """Volumes, atlases and the sites of atrophy, with the table that names them."""
    rows = []
    for number in range(1, config.n_cases + 1):
        subject = case_name(config.prefix, number)
        made = make_brain(config, number)
        names = [pattern.format(subject=subject) for pattern in FILES]
        for name, volume in zip(names, (made.volume, made.atlas, made.site), strict=True):
            write_volume(folder / name, volume)
        rows.append((subject, GROUPS[made.traits.impaired], *names))
    table = pd.DataFrame(rows, columns=["subject", "group", "volume", "atlas", "site"])
    write_text(folder / PARTICIPANTS, table.to_csv(sep="\t", index=False))
    write_json(folder / ATLAS_NAMES, {str(label): name for label, name in ATLAS.items()})


FILES = (BRAIN_VOLUME, BRAIN_ATLAS, BRAIN_SITE)
