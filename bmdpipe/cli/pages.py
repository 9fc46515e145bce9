"""Where the pages of a cohort lie."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.errors import UsageError
from bmdpipe.core.layout import Layout

INDEX = "index.html"


def find_report(results: Path, cohort: str) -> Path:
    """The cohort's page; raises UsageError if there is none, naming the cohorts that have one."""
    page = Path(Layout(str(results), cohort).at("report")) / INDEX
    if page.is_file():
        return page
    folder = Path(Layout("", "").at("report")).name
    others = sorted(path.parent.parent.name for path in results.glob(f"*/{folder}/{INDEX}"))
    known = f"; there is one for: {', '.join(others)}" if others else ""
    raise UsageError(f"no report of cohort '{cohort}' in {results}{known}")
