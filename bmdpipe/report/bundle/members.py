"""The models of a bundle's folds, and what each says of a hip image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bmdpipe.report.bundle.files import DECOMPOSITION, FIT, REGRESSION, Bundle
from bmdpipe.training.prediction import (
    Estimates,
    estimate_from_images,
    estimate_from_projections,
    project_images,
    read_fits,
)
from bmdpipe.training.projection_fit import ProjectionFit
from bmdpipe.training.saved import (
    Decomposition,
    Regression,
    load_decomposition,
    load_regression,
)


@dataclass(frozen=True)
class Opinion:
    """What one fold's models say of one hip: its projection `[h, w]`, and by target the BMD and
    the flags of the workflow's prediction."""

    projection: NDArray[np.float32]
    bmd: Mapping[str, float]
    flags: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Member:
    """One fold's models. `regressions` is empty where BMD is read from the projection."""

    decomposition: Decomposition
    fits: Mapping[str, ProjectionFit]
    regressions: Mapping[str, Regression]

    def opinion(self, image: NDArray[np.float32], device: torch.device) -> Opinion:
        """Of a hip image `[h, w]` (attenuation), as the pairs hold it.

        A regression is flagged for its own value and for the projection beside it.
        """
        one = image[None]
        projections = project_images(self.decomposition, one, device)
        bmd, flags = {}, {}
        for target, fit in self.fits.items():
            read = estimate_from_projections(fit, projections)
            found: Estimates = read
            if target in self.regressions:
                found = estimate_from_images(self.regressions[target], one, device)
            bmd[target] = float(found.values[0])
            flags[target] = tuple(dict.fromkeys(f for f in (*found.flags, *read.flags) if f))
        return Opinion(projections[0], bmd, flags)


def load_members(bundle: Bundle) -> list[Member]:
    """The models of all folds; raises UsageError as loading a model does."""
    return [
        Member(
            decomposition=load_decomposition(bundle.at(DECOMPOSITION, fold=fold)),
            fits={
                target: fit
                for target, fit in read_fits(bundle.at(FIT, fold=fold)).items()
                if target in bundle.targets
            },
            regressions={
                target: load_regression(bundle.at(REGRESSION, fold=fold, target=target))
                for target in (bundle.targets if bundle.method == "regression" else ())
            },
        )
        for fold in bundle.folds
    ]
