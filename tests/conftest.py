"""Property tests draw the same examples in every run, and a slow machine fails none of them.

Compiled kernels are cached by the hash of their sources, as in the workflow, so that an edit of one
file never leaves another file's compiled code stale.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

from bmdpipe.core.provenance import compiled_hash

REPOSITORY = Path(__file__).resolve().parents[1]
os.environ["NUMBA_CACHE_DIR"] = str(
    REPOSITORY / ".pytest_cache" / "numba" / compiled_hash(REPOSITORY / "bmdpipe")
)
settings.register_profile("bmdpipe", derandomize=True, deadline=None)
settings.load_profile("bmdpipe")
