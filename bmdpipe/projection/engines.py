"""Who projects: one interface, several engines behind it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.fineness import Fineness, Method
from bmdpipe.projection.measure import Measure
from bmdpipe.projection.views import Views

EngineName = Literal["auto", "native", "numba", "cuda", "rtk"]
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

    `cuda` and `rtk` are taken by name only. Raises ValueError for an unknown name, ImportError or
    RuntimeError where what an engine needs is missing. Engines are imported late: numba alone takes
    a second.
    """
    if name in ("auto", "native"):
        from bmdpipe.projection.native import engine as native

        if name == "native" or native.available():
            return native
    if name in ("auto", "numba"):
        from bmdpipe.projection.compiled import engine as compiled

        return compiled
    if name == "cuda":
        if importlib.util.find_spec("triton") is None:
            raise ImportError("engine 'cuda' needs triton, which torch brings on Linux")
        from bmdpipe.projection.gpu.cuda import cuda

        return cuda()
    if name == "rtk":
        from bmdpipe.projection.rtk.engine import Rtk

        return Rtk()
    raise ValueError(f"no projection engine {name!r}: auto, native, numba, cuda or rtk")
