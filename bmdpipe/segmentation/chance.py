"""Seeds for one purpose each."""

from __future__ import annotations

from bmdpipe.core.provenance import digest


def seed_of(seed: int, purpose: str) -> int:
    """A seed for one purpose, the same on every machine."""
    return int(digest(f"{seed} {purpose}"), 16) >> 1
