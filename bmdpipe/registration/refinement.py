"""Gauss-Newton on the normalised derivative images, for one body or for all bodies and the source.

With the derivative images of either side at mean 0 and norm 1 (once for x, once for y), the
gradient correlation is 1 - |moving - fixed|^2 / 4: its maximum is a least-squares fit, to which
priors add their own squares. The bodies' Jacobian is analytic, the source's by differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import apply
from bmdpipe.projection.body import Body
from bmdpipe.projection.gradient import project_with_gradient
from bmdpipe.projection.projector import gradient_correlations, project
from bmdpipe.registration.arrangement import PER_BODY, SOURCE, Arrangement
from bmdpipe.registration.measures import Similarity
from bmdpipe.registration.prior import Prior
from bmdpipe.registration.similarity import GradientCorrelation

DAMPING = (0.0, 0.1, 1.0, 10.0)
"""Levenberg-Marquardt factors that are tried side by side in one batch."""
SOURCE_STEPS_MM = (2.0, 2.0, 5.0)
"""Half the central differences' widths: their effect is small and smooth."""
PRIOR_STEP = 1e-4
CORRELATED_PX = 4.0 * np.pi
"""Pixels that share one noise value, times the derivatives' variance: the area under the
autocorrelation of a Gaussian of that width."""


@dataclass(frozen=True)
class View:
    """Bodies that move about `centres_mm`, what stands still, and the window they are compared in.

    `camera` is the window's, as assumed; `background` `[h, w]` the image of what does not move;
    `searched` is what a search maximises, which the refinement's `measure` may differ from.
    """

    bodies: Sequence[Body]
    centres_mm: Sequence[NDArray[np.float64]]
    camera: Camera
    measure: GradientCorrelation
    background: NDArray[np.float32]
    searched: Similarity

    def searched_at(self, poses: NDArray) -> NDArray[np.float64]:
        """What a search of one body maximises, at poses `[n, 4, 4]` and the assumed camera."""
        if self.searched is self.measure:
            return gradient_correlations(
                self.bodies[0],
                self.camera,
                poses,
                self.measure,
                background=self.background,
                fineness="fast",
            )
        images = project(self.bodies[0], self.camera, poses, method="factored", fineness="fast")
        return self.searched.of_batch(images + self.background)

    def images(self, arrangements: Sequence[Arrangement]) -> NDArray[np.float32]:
        """The moving images `[n, h, w]`."""
        cameras = [a.camera(self.camera) for a in arrangements]
        poses = [np.stack(own) for own in zip(*(a.poses for a in arrangements), strict=True)]
        images = project(self.bodies, cameras, poses, method="factored", fineness="standard")
        return images + self.background

    def moved(self, start: Arrangement, step: NDArray) -> Arrangement:
        return start.moved(step, self.centres_mm, self.camera.sdd_mm)


@dataclass(frozen=True)
class Refined:
    """The maximum; its gradient correlation; the covariance of a step (degrees, mm) by the
    curvature before the last one, with the noise that the mismatch amounts to; projections that it
    took; the similarity after each step."""

    arrangement: Arrangement
    similarity: float
    covariance: NDArray[np.float64]
    evaluations: int
    history: tuple[float, ...]


def refine(
    view: View, start: Arrangement, prior: Prior, iterations: int, tolerance: float = 3e-5
) -> Refined:
    """The nearest maximum from `start`.

    Never ends at a lower sum of similarity and prior than the start has in the same window.
    """
    best = start
    similarity = view.measure.of_batch(view.images([start]))
    history, evaluations = [float(similarity[0])], 1
    noise = _noise(view, history[0])
    normal, gradient = _system(view, best, prior, noise)
    for _ in range(iterations):
        scale = np.diag(np.diag(normal) + 1e-12)
        steps = [np.linalg.solve(normal + (d + 1e-9) * scale, gradient) for d in DAMPING]
        tries = [view.moved(best, step) for step in steps]
        similarity = view.measure.of_batch(view.images(tries))
        penalties = 0.25 * noise * np.array([prior.penalty(a) for a in [best, *tries]])
        rises = similarity - history[-1] - (penalties[1:] - penalties[0])
        evaluations += len(tries) + 2 * PER_BODY * len(view.bodies)
        top = int(rises.argmax())
        if rises[top] <= 0:
            break
        best = tries[top]
        history.append(float(similarity[top]))
        if rises[top] < tolerance:
            break
        noise = _noise(view, history[-1])
        normal, gradient = _system(view, best, prior, noise)
    covariance = np.asarray(noise * np.linalg.pinv(normal), np.float64)
    return Refined(best, history[-1], covariance, evaluations, tuple(history))


def _system(
    view: View, at: Arrangement, prior: Prior, noise: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normal matrix and gradient, `[p, p]` and `[p]`; the prior weighs as much as the noise.

    By einsum, whose sums do not depend on the number of threads.
    """
    jacobian, residual = _linearised(view, at, prior)
    parameters = len(jacobian)
    known = np.zeros(parameters, bool)
    if prior.solves_source:
        known[PER_BODY * len(view.bodies) :] = np.asarray(prior.source_sd_mm) == 0
    normal = np.einsum("im,jm->ij", jacobian, jacobian).astype(np.float64)
    gradient = np.einsum("im,m->i", jacobian, residual).astype(np.float64)
    normal[known], normal[:, known], gradient[known] = 0.0, 0.0, 0.0
    normal[known, known] = 1e6  # what is known does not move
    here = prior.residuals(at)
    if here.size:
        slopes = np.empty((parameters, here.size))
        for i in range(parameters):
            step = np.zeros(parameters)
            step[i] = PRIOR_STEP
            slopes[i] = (prior.residuals(view.moved(at, step)) - here) / PRIOR_STEP
        slopes[known] = 0.0
        normal += noise * slopes @ slopes.T
        gradient -= noise * slopes @ here
    return normal, gradient


def _noise(view: View, similarity: float) -> float:
    """The variance of one derivative's mismatch, from its sum over what is independent."""
    measure = view.measure
    independent = 2.0 * measure.weight.sum() / (CORRELATED_PX * measure.sigma_px**2)
    return 4.0 * (1.0 - similarity) / max(independent, 1.0)


def _linearised(
    view: View, at: Arrangement, prior: Prior
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The normalised derivative images' Jacobian `[p, m]` and what is missing `[m]`."""
    camera = at.camera(view.camera)
    image = view.background.astype(np.float32).copy()
    changes = []
    for body, pose, centre in zip(view.bodies, at.poses, view.centres_mm, strict=True):
        own, change = project_with_gradient(body, camera, pose, apply(pose, centre))
        image += own
        change[:3] *= np.float32(np.pi / 180)
        changes.append(change)
    if prior.solves_source:
        changes.append(_source_change(view, at))
    return view.measure.linearised(image, np.concatenate(changes))


def _source_change(view: View, at: Arrangement) -> NDArray[np.float32]:
    parameters = PER_BODY * len(view.bodies) + SOURCE
    probes = []
    for axis, width in enumerate(SOURCE_STEPS_MM):
        for sign in (1.0, -1.0):
            step = np.zeros(parameters)
            step[PER_BODY * len(view.bodies) + axis] = sign * width
            probes.append(view.moved(at, step))
    images = view.images(probes)
    widths = np.asarray(SOURCE_STEPS_MM, np.float32)[:, None, None]
    return (images[0::2] - images[1::2]) / (2 * widths)
