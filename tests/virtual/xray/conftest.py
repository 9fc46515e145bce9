"""A usual picture of the small virtual subject, and its file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bmdpipe.virtual.hip.positioning import draw_exposure
from bmdpipe.virtual.xray.dicom import write_radiograph
from bmdpipe.virtual.xray.equipment import draw_visit
from bmdpipe.virtual.xray.room import expose


@pytest.fixture(scope="module")
def usual(made):
    """A visit to the room with everything in the header, and the picture taken."""
    visit = replace(
        draw_visit(made.config, 2),
        monochrome1=False,
        distances=True,
        imager=True,
        calibrated=False,
        index=True,
        collimator=True,
        cropped=False,
    )
    room = replace(visit.room, curve="none", shutter=False, bits=12)
    visit = replace(visit, room=room)
    exposure = draw_exposure(made.config, made.anatomy, "standing")
    return visit, expose(made.config, made.anatomy, exposure, visit)


@pytest.fixture
def written(made, usual, tmp_path):
    """Write the usual picture, with changes to the visit and to the picture."""

    def write(changes=None, picture_changes=None):
        visit, picture = usual
        visit = replace(visit, **(changes or {}))
        picture = replace(picture, **(picture_changes or {}))
        path = tmp_path / "a.dcm"
        write_radiograph(path, made.config, "V002", made.anatomy.person, picture, visit)
        return path

    return write
