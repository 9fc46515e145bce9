"""Polyenergetic transmission of the patient, as the detector weighs it.

What displaces soft tissue counts with what it adds to it: mineral and metal lie inside volumes that
are filled with muscle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.xray.materials import (
    ADIPOSE,
    APATITE,
    COBALT_CHROME,
    MUSCLE,
    TITANIUM,
    Material,
    mass_attenuation,
)
from bmdpipe.virtual.xray.spectrum import Beam

SOFT = (MUSCLE, ADIPOSE)
HARD = (APATITE, TITANIUM, COBALT_CHROME)
NODES = 7
"""Energies of the Gaussian quadrature; a test bounds its error by 1e-3 of the transmission."""
TYPICAL_G_CM2 = 5.0
"""Muscle behind which the quadrature is drawn up; it holds from none to 35 g/cm2."""


@dataclass(frozen=True)
class Absorption:
    """Detected weight of each energy of the quadrature (sums to 1), and coefficients
    `[material, energy]` in cm2/g: of muscle, adipose tissue, and what apatite, titanium and
    cobalt-chrome add to muscle."""

    weight: NDArray[np.float32]
    coefficients: NDArray[np.float32]


def excess(material: Material, energy_kev: NDArray) -> NDArray[np.float64]:
    """Of a material that displaces as much volume of muscle, cm2/g."""
    displaced = MUSCLE.density / material.density
    return mass_attenuation(material, energy_kev) - displaced * mass_attenuation(MUSCLE, energy_kev)


def absorption_of(beam: Beam, response: NDArray) -> Absorption:
    """`response` is the signal that a photon of each bin of the beam leaves."""
    typical = np.exp(-TYPICAL_G_CM2 * mass_attenuation(MUSCLE, beam.energy_kev))
    detected = beam.fluence * response
    nodes, weight = quadrature(np.log(beam.energy_kev), detected * typical, NODES)
    energy = np.exp(nodes)
    weight = weight * np.exp(TYPICAL_G_CM2 * mass_attenuation(MUSCLE, energy)) / detected.sum()
    rows = [mass_attenuation(m, energy) for m in SOFT] + [excess(m, energy) for m in HARD]
    return Absorption((weight / weight.sum()).astype(np.float32), np.array(rows, np.float32))


def quadrature(
    at: NDArray[np.float64], weight: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights that integrate polynomials up to degree 2 count - 1 as the sum over the
    bins does. Source: Golub and Welsch 1969, Math Comp 23:221, with the Lanczos recursion."""
    vector = np.sqrt(weight / weight.sum())
    basis = [vector]
    diagonal, beside = [], []
    for _ in range(count):
        diagonal.append(float(vector @ (at * vector)))
        rest = at * vector
        for known in basis:
            rest = rest - (known @ rest) * known
        beside.append(float(np.linalg.norm(rest)))
        vector = rest / beside[-1]
        basis.append(vector)
    jacobi = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    nodes, vectors = np.linalg.eigh(jacobi)
    return nodes, weight.sum() * vectors[0] ** 2


def transmission(
    absorption: Absorption, soft: NDArray[np.float32], hard: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Detected share `[y, x]` behind areal masses in g/cm2.

    `soft` `[2, y, x]` is of muscle and adipose tissue, `hard` `[m, y, x]` of apatite and, where
    there is any, of titanium and cobalt-chrome.
    """
    result = np.empty(soft.shape[1:], np.float32)
    _transmit(absorption.weight, absorption.coefficients, soft, hard, result)
    return result


@numba.njit(parallel=True, fastmath=True, cache=True)
def _transmit(weight, coefficients, soft, hard, result):  # pragma: no cover - compiled
    height, width = result.shape
    for y in numba.prange(height):
        depth = np.empty(width, np.float32)
        line = np.zeros(width, np.float32)
        for e in range(len(weight)):
            for x in range(width):
                depth[x] = soft[0, y, x] * coefficients[0, e] + soft[1, y, x] * coefficients[1, e]
            for m in range(len(hard)):
                for x in range(width):
                    depth[x] += hard[m, y, x] * coefficients[2 + m, e]
            for x in range(width):
                line[x] += weight[e] * np.exp(-depth[x])
        result[y] = line
