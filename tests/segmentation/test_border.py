"""Density settles a border's doubt and nothing else, and what cortex surrounds is bone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bmdpipe.core.labels import FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.border import classes_at, without_holes

SPACING = (1.5, 1.5, 3.0)


def volume(array: np.ndarray, unit: str) -> Volume:
    return Volume(array, SPACING, (0.0, 0.0, 0.0), unit)


def filled(array: np.ndarray, hu: np.ndarray | float = 0.0) -> np.ndarray:
    """The array without holes, in a CT of one HU or of those given."""
    ct = np.broadcast_to(np.asarray(hu, np.int16), array.shape)
    return without_holes(volume(array.astype(np.uint8), "label"), volume(ct, "HU")).array


def disc(radius_px: float) -> np.ndarray:
    _, y, x = np.indices((4, 40, 40))
    return np.hypot(y - 20, x - 20) <= radius_px


def test_marrow_belongs_to_the_femur():
    """A tube is filled, open at both ends as it is; the pelvis keeps such canals."""
    tube = np.where(disc(10) & ~disc(5), FEMUR_R, 0)
    np.testing.assert_array_equal(filled(tube) == FEMUR_R, disc(10))
    ring = np.where(tube > 0, PELVIS, 0)
    np.testing.assert_array_equal(filled(ring), ring)


def test_a_canal_of_the_pelvis_stays_and_cancellous_bone_is_filled() -> None:
    ring = np.where(disc(10) & ~disc(5), PELVIS, 0)
    half = np.zeros(ring.shape)
    half[:2] = 150
    np.testing.assert_array_equal(filled(ring, half)[:2] == PELVIS, disc(10)[:2])
    np.testing.assert_array_equal(filled(ring, half)[2:], ring[2:])


def test_a_hole_that_holds_another_bone_keeps_it():
    array = np.where(disc(10) & ~disc(6), FEMUR_R, 0) + np.where(disc(3), PELVIS, 0)
    found = filled(array)
    np.testing.assert_array_equal(found == PELVIS, disc(3))
    np.testing.assert_array_equal(found == FEMUR_R, disc(10) & ~disc(3))


def test_a_cavity_in_the_pelvis_is_filled_even_if_it_leaks_by_a_voxel() -> None:
    z, y, x = np.indices((24, 40, 40))
    apart = np.hypot(np.hypot(z - 12, y - 20), x - 20)
    array = np.where((apart < 10) & (apart >= 4), PELVIS, 0).astype(np.uint8)
    array[12, 20, 24:30] = 0
    found = filled(array)
    assert (found[apart < 4] == PELVIS).all()
    assert (found[apart >= 10] == 0).all()


def edge(share: float, width: int = 9) -> torch.Tensor:
    """Two classes; the second fills the left, then comes one voxel of the share, then nothing."""
    second = torch.zeros(1, width)
    second[:, : width // 2] = 1
    second[:, width // 2] = share
    return torch.stack([torch.zeros(1, width), second])


@pytest.mark.parametrize(
    ("share", "hu", "bone"),
    [(0.5, 360, True), (0.5, 340, False), (0.6, 260, True), (0.6, 240, False), (0.9, -900, True)],
)
def test_density_settles_the_doubt_of_a_border(share: float, hu: float, bone: bool) -> None:
    """0.4 logits per 100 HU: a share of 0.6 is 0.405 logits, and outweighs 101 HU; fat and air
    weigh no more than -150 HU, which 0.9 outweighs."""
    density = torch.full((1, 9), 1000.0)
    density[0, 4:] = hu
    found = classes_at(edge(share), density, 350.0, 0.4, 1)
    assert found.tolist() == [[2] * 4 + [2 if bone else 0] + [0] * 4]


def test_far_from_a_border_density_says_nothing() -> None:
    """Fatty marrow stays bone although the network is not sure of it, and dense contrast agent
    stays none."""
    shares = edge(0.5, 21).clamp(0.3, 0.7)
    shares[0] = 0
    density = torch.full((1, 21), -100.0)
    density[0, 14:] = 500
    found = classes_at(shares, density, 350.0, 0.4, 2)
    assert found[0, :8].tolist() == [2] * 8
    assert found[0, 14:].tolist() == [0] * 7


def test_without_a_border_density_the_larger_share_wins() -> None:
    shares = torch.tensor([[[0.3, 0.2, 0.3]], [[0.35, 0.1, 0.1]]])
    hu = torch.tensor([[900.0, 900.0, -900.0]])
    assert classes_at(shares, hu, None, 0.4, 1).tolist() == [[2, 0, 0]]


def test_a_border_inside_a_network_s_pixel_is_found() -> None:
    """Shares that fall linearly over 3 mm, bone of 1000 HU against fat: the border comes to lie
    where the density turns, not where the share is a half."""
    x = torch.arange(-3, 3.01, 0.25)[None]
    share = (0.5 - (x - 0.4) / 3).clamp(0, 1)
    hu = torch.where(x < 0, 1000.0, -80.0)
    share = torch.stack([torch.zeros_like(share), share])
    plain = (classes_at(share, hu, None, 0.4, 6) > 0).sum().item()
    found = (classes_at(share, hu, 350.0, 0.4, 6) > 0).sum().item()
    true = int((x < 0).sum())
    assert abs(found - true) < abs(plain - true)
