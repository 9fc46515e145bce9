"""A scan on disk while it is acquired: the DICOM series, and apart from it the truth."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import ANNOTATION, CT_SERIES, TRUE_DENSITY, TRUE_LABELS
from bmdpipe.virtual.ct.dicom import CtWriter
from bmdpipe.virtual.ct.scanner import Session, draw_session, slabs
from bmdpipe.virtual.ct.stream_nifti import slab_file
from bmdpipe.virtual.hip.anatomy import Anatomy


def record_ct(
    folder: Path, config: VirtualConfig, subject: str, anatomy: Anatomy, annotated: bool
) -> Session:
    """Scan a subject into its folder; `annotated` subjects have an expert's labels there too."""
    session = draw_session(config, anatomy)
    writer = CtWriter.into(folder / CT_SERIES, config, subject, anatomy.person, session)
    paths = [TRUE_LABELS, ANNOTATION] if annotated else [TRUE_LABELS]
    with ExitStack() as stack:
        labels = [
            stack.enter_context(slab_file(folder / path, session.grid, np.uint8, "label"))
            for path in paths
        ]
        density = stack.enter_context(
            slab_file(folder / TRUE_DENSITY, session.grid, np.int16, "mg/cm3")
        )
        for slab in slabs(config, anatomy, session):
            for file in labels:
                file.append(slab.labels)
            density.append(slab.density)
            for k, hu in enumerate(slab.hu, start=slab.start):
                writer.write(k, hu)
    return session
