"""The name under which exact projections are imported; see `bmdpipe.projection.projector`."""

from bmdpipe.projection.projector import project

__all__ = ["project"]
