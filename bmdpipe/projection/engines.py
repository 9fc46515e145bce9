"""Who projects: one interface, several engines behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.fineness import Fineness, Method
from bmdpipe.projection.measure import Measure
from bmdpipe.projection.views import Views

EngineName = Literal["auto", "native", "numba"]
Images = NDArray[np.float32]


class Engine(Protocol):
    """What an engine can do; a module with these functions is one. Images are added to."""

    def add_joseph(self, body: Body, views: Views, images: Images, threads: int) -> None: ...
    def add_siddon(self, body: Body, views: Views, images: Images, threads: int) -> None: ...
    def add_jet(self, body: Body, views: Views, images: Images, threads: int) -> None: ...
    def add_factored(
        self, body: Body, views: Views, images: Images, threads: int, fineness: Fineness
    ) -> None: ...
    def back_project(self, body: Body, views: Views, images: Images, threads: int) -> Images: ...
    def score(
        self,
        method: Method,
        bodies: Sequence[Body],
        views: Sequence[Views],
        measure: Measure,
        background: Images | None,
        threads: int,
        fineness: Fineness,
    ) -> NDArray[np.float64]: ...


def engine_named(name: EngineName) -> Engine:
    """An engine; `auto` is the native one where it was built and numba where it was not.

    Raises ValueError for an unknown name. Engines are imported late: numba alone takes a second.
    """
    if name in ("auto", "native"):
        from bmdpipe.projection.native import engine as native

        if name == "native" or native.available():
            return native
    if name in ("auto", "numba"):
        from bmdpipe.projection.compiled import engine as compiled

        return compiled
    raise ValueError(f"no projection engine {name!r}: auto, native or numba")
