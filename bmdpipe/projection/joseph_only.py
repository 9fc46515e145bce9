"""An engine that can do some things only: whatever it lacks, it says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.fineness import Fineness, Method
from bmdpipe.projection.measure import Measure
from bmdpipe.projection.views import Views

Images = NDArray[np.float32]


class JosephOnly:
    """Refuses everything but `add_joseph` with a ValueError; a subclass adds what it has."""

    name: str

    def add_joseph(self, body: Body, views: Views, images: Images, threads: int) -> None:
        raise NotImplementedError

    def add_siddon(self, body: Body, views: Views, images: Images, threads: int) -> None:
        self._refuse("Siddon's method")

    def add_jet(self, body: Body, views: Views, images: Images, threads: int) -> None:
        self._refuse("motion derivatives as images")

    def add_factored(
        self, body: Body, views: Views, images: Images, threads: int, fineness: Fineness
    ) -> None:
        self._refuse("the factored method")

    def back_project(self, body: Body, views: Views, images: Images, threads: int) -> Images:
        self._refuse("back-projection")

    def score(
        self,
        method: Method,
        bodies: Sequence[Body],
        views: Sequence[Views],
        measure: Measure,
        background: Images | None,
        threads: int,
        fineness: Fineness,
    ) -> NDArray[np.float64]:
        self._refuse("scoring")

    def _refuse(self, what: str) -> NoReturn:
        raise ValueError(f"engine {self.name!r} has no {what}: take 'native' or 'numba'")
