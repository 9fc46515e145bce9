"""Gauss-Newton on the normalised derivative images, Jacobian by central differences.

With the derivative images of either side at mean 0 and norm 1 (once for x, once for y), the
gradient correlation is 1 - |moving - fixed|^2 / 4: its maximum is a least-squares fit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bmdpipe.registration.evolution import Found
from bmdpipe.registration.similarity import GradientCorrelation

STEPS = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 2.0])
"""Half the central difference's width: degrees, mm in the plane, mm of depth."""
DAMPING = np.array([0.0, 0.1, 1.0, 10.0])
"""Levenberg-Marquardt factors that are tried side by side in one batch."""


def refine(
    render: Callable[[NDArray], NDArray],
    similarity: GradientCorrelation,
    found: Found,
    limits: NDArray[np.float64],
    iterations: int,
    tolerance: float = 3e-5,
) -> Found:
    """The nearest maximum from `found`; `render` makes images `[n, h, w]` of parameters `[n, 6]`.

    Never ends at a lower similarity than the start has in the same window.
    """
    best = found.parameters
    score = float(similarity.of_batch(render(best[None]))[0])
    evaluations = found.evaluations + 1
    for _ in range(iterations):
        probes = np.concatenate([best + np.diag(STEPS), best - np.diag(STEPS), best[None]])
        images = similarity.normalised(render(probes)).reshape(len(probes), -1)
        n = len(best)
        jacobian = (images[:n] - images[n : 2 * n]) / (2 * STEPS)[:, None]
        residual = similarity.fixed.ravel() - images[-1]
        gradient = jacobian @ residual
        normal = jacobian @ jacobian.T
        scale = np.diag(np.diag(normal) + 1e-12)
        steps = np.array(
            [
                np.linalg.solve(normal + damping * scale + 1e-9 * scale, gradient)
                for damping in DAMPING
            ]
        )
        tries = np.clip(best + steps, -limits, limits)
        values = similarity.of_batch(render(tries))
        evaluations += len(probes) + len(tries)
        top = int(values.argmax())
        rise = float(values[top]) - score
        if rise <= 0:
            break
        best, score = tries[top], float(values[top])
        if rise < tolerance:
            break
    return Found(best, score, evaluations)
