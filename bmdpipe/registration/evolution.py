"""A bounded, seeded CMA-ES whose generations are scored as one batch.

Source: Hansen 2016, The CMA Evolution Strategy: A Tutorial (package cma).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import Level

PATIENCE = 10
"""Generations without a rise of the best similarity by the tolerance that end a level."""


@dataclass(frozen=True)
class Found:
    """The best parameters `[6]`, their similarity, what was evaluated to find them, and the best
    similarity after each generation."""

    parameters: NDArray[np.float64]
    similarity: float
    evaluations: int
    history: tuple[float, ...] = ()


def spread(level: Level) -> NDArray[np.float64]:
    """A level's initial standard deviation of each of the six parameters."""
    return np.array([level.sigma_deg] * 3 + [level.sigma_mm] * 2 + [level.sigma_depth_mm])


def search(
    similarity: Callable[[NDArray], NDArray],
    start: NDArray[np.float64],
    limits: NDArray[np.float64],
    level: Level,
    rng: np.random.Generator,
) -> Found:
    """Maximise `similarity` (parameters `[n, 6]` to `[n]`) within +-`limits`.

    Candidates outside are scored at the nearest point inside and pay for the distance.
    """
    with warnings.catch_warnings():
        # The package warns of optional packages that are missing as it is imported.
        warnings.simplefilter("ignore")
        import cma

    sigmas = np.minimum(spread(level), limits)
    options = {
        "popsize": level.population,
        "randn": lambda *shape: rng.standard_normal(shape),
        "seed": np.nan,  # leaves numpy's global generator alone
        "verbose": -9,
        "verb_disp": 0,
        "verb_log": 0,
    }
    strategy = cma.CMAEvolutionStrategy(np.zeros(len(start)), 1.0, options)
    best = Found(start, -np.inf, 0)
    evaluations, waited = 0, 0
    history: list[float] = []
    for generation in range(level.generations):
        candidates = strategy.ask()
        steps = np.asarray(candidates)
        if generation == 0:
            steps[0] = 0.0
            candidates[0] = steps[0]
        wanted = start + steps * sigmas
        inside = np.clip(wanted, -limits, limits)
        values = similarity(inside)
        evaluations += len(inside)
        penalty = (((wanted - inside) / sigmas) ** 2).sum(axis=1)
        strategy.tell(candidates, list(-values + penalty))
        top = int(values.argmax())
        waited = 0 if values[top] > best.similarity + level.tolerance else waited + 1
        if values[top] > best.similarity:
            best = Found(inside[top], float(values[top]), evaluations)
        history.append(best.similarity)
        if np.ptp(values) < level.tolerance or waited >= PATIENCE:
            break
    return Found(best.parameters, best.similarity, evaluations, tuple(history))
