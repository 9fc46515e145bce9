"""Virtual brains: classes, the site of atrophy, volumes that are what the traits say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.config.virtual.brain import BrainConfig
from bmdpipe.pairs.volumes import (
    labels_on_grid,
    network_grid,
    read_atlas_names,
    read_participants,
    volume_on,
)
from bmdpipe.virtual.brain.anatomy import ATLAS
from bmdpipe.virtual.brain.shapes import ellipsoid, share_inside, tube
from bmdpipe.virtual.brain.simulate import BEDS, VirtualBrain, make_brain
from bmdpipe.virtual.brain.traits import is_impaired
from bmdpipe.virtual.brain.write import write_brain_cohort

CONFIG = BrainConfig(voxel_mm=4.0, n_cases=4)


@pytest.fixture(scope="module")
def pair() -> tuple[VirtualBrain, VirtualBrain]:
    """An unimpaired and an impaired brain."""
    return make_brain(CONFIG, 1), make_brain(CONFIG, 2)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_any_run_of_cases_holds_the_impaired_fraction(share: float) -> None:
    config = BrainConfig(impaired_fraction=share)
    told = [is_impaired(config, number) for number in range(1, 101)]
    assert sum(told) == round(100 * share)
    assert abs(sum(told[20:40]) - 20 * share) <= 1


def test_a_case_is_the_same_whatever_the_cohorts_size(
    pair: tuple[VirtualBrain, VirtualBrain],
) -> None:
    again = make_brain(CONFIG.model_copy(update={"n_cases": 90}), 2)
    assert np.array_equal(again.volume.array, pair[1].volume.array)


def test_the_site_is_the_hippocampi_and_nothing_else(
    pair: tuple[VirtualBrain, VirtualBrain],
) -> None:
    for brain in pair:
        site = brain.site.array > 0
        bed = np.isin(brain.atlas.array, BEDS)
        assert site.any()
        # A border voxel's label may be the neighbour's.
        assert (site & ~bed).sum() < 0.6 * site.sum()
        volume = bed.sum() * brain.atlas.voxel_mm3 / 1000
        assert 5 < volume < 16  # cm3, two beds of a hippocampus and its margin


def test_what_is_lost_is_dark(pair: tuple[VirtualBrain, VirtualBrain]) -> None:
    normal, impaired = (
        b.volume.array[np.isin(b.atlas.array, BEDS)].mean()
        / np.median(b.volume.array[b.atlas.array > 0])
        for b in pair
    )
    assert impaired < 0.8 * normal


def test_regions_have_two_sides(pair: tuple[VirtualBrain, VirtualBrain]) -> None:
    brain = pair[0]
    x = brain.atlas.world_at(np.argwhere(brain.atlas.array >= 0)[:, ::-1])[:, 0]
    labels = brain.atlas.array.ravel()
    for label, name in ATLAS.items():
        if name.endswith((" L", " R")):
            middle = x[labels == label].mean()
            assert (middle > 0) == name.endswith(" L"), name


def test_shapes_hold_their_volume() -> None:
    axis = np.arange(-30, 31, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    ball = share_inside(ellipsoid(points, (0, 0, 0), (20, 15, 10)), 1.0).sum()
    assert ball == pytest.approx(4 / 3 * np.pi * 20 * 15 * 10, rel=0.01)
    rod = share_inside(tube(points, [[0, 0, -10], [0, 0, 10]], [6, 6]), 1.0).sum()
    assert rod == pytest.approx(np.pi * 36 * 20 + 4 / 3 * np.pi * 216, rel=0.02)


def test_a_cohort_is_read_as_a_users_own(
    tmp_path: Path, pair: tuple[VirtualBrain, VirtualBrain]
) -> None:
    write_brain_cohort(CONFIG.model_copy(update={"n_cases": 4}), tmp_path)
    people = read_participants(tmp_path)
    assert [p.group for p in people] == ["normal", "impaired"] * 2
    assert read_atlas_names(tmp_path) == ATLAS
    grid = network_grid((40, 48, 44), 4.0)
    volume = volume_on(grid, people[1].volume, "B00002")
    assert volume.shape == (44, 48, 40)
    site = people[1].site
    assert site is not None
    there = labels_on_grid(grid, site, "B00002")
    assert there.sum() == pytest.approx(pair[1].site.array.sum(), rel=0.15)
