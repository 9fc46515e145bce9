"""Reading a CT series that is expected to fail or to be marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.ct import read_ct

CONFIG = ImagingConfig()


def code_of(folder: Path, config: ImagingConfig = CONFIG) -> CaseError:
    with pytest.raises(CaseError) as caught:
        read_ct(folder, "S1", config)
    assert caught.value.case == "S1"
    assert "Secret" not in caught.value.hint
    assert "4711" not in caught.value.hint
    return caught.value


def warnings_of(folder: Path) -> list[str]:
    return [w.code for w in read_ct(folder, "S1", CONFIG).warnings]
