"""Cortex and trabecular bone: where they are dense, how they are oriented, what moves them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bmdpipe.core.config.virtual.demographics import DemographicsConfig
from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.demographics import Person, draw_person
from bmdpipe.virtual.hip.cortex import cortex_mm
from bmdpipe.virtual.hip.femur_space import FemurSpace
from bmdpipe.virtual.hip.mineral import draw_mineral
from bmdpipe.virtual.hip.trabeculae import FAN_FROM, trabecular_mg_cm3

PERSON = Person(3, "F", 57.0, 23.5, "L")


def mineral():
    return draw_mineral(BoneDensityConfig(), PERSON, 5)


def plane(frame, shares, heights):
    """Points in the neck's plane by share of its length and height over its half height."""
    t = frame.traits
    half = t.neck_ratio * t.head_radius_mm
    down, high = np.meshgrid(shares, heights, indexing="ij")
    return down[..., None] * t.neck_length_mm * frame.neck + high[..., None] * half * frame.superior


def test_wards_triangle_is_the_least_dense_of_the_neck(femur_of):
    frame = femur_of().frame
    shares, heights = np.linspace(0.45, 0.95, 51), np.linspace(-0.65, 0.65, 41)
    field = trabecular_mg_cm3(FemurSpace.of(frame, plane(frame, shares, heights)), mineral())
    row, column = np.unravel_index(field.argmin(), field.shape)
    assert 0.6 < shares[row] < 0.88
    assert abs(heights[column]) < 0.4
    assert field.min() < 0.6 * np.median(field)


def test_principal_compressive_group_is_the_densest_of_the_head(femur_of):
    """The band under the bearing surface holds more than head bone in front, behind or medially."""
    frame = femur_of().frame
    radius = frame.traits.head_radius_mm
    directions = np.array([[0, 0, 0.6], [0, -0.7, 0], [0, 0.7, 0], [-0.7, 0, -0.2]])
    band, *others = trabecular_mg_cm3(FemurSpace.of(frame, radius * directions), mineral())
    assert band > 1.15 * max(others)


def test_cortex_is_thick_where_the_bone_is_bent(femur_of):
    frame = femur_of().frame
    neck = frame.neck * 0.6 * frame.traits.neck_length_mm
    half = frame.traits.neck_ratio * frame.traits.head_radius_mm
    places = np.array(
        [
            neck + half * frame.superior,
            neck - half * frame.superior,
            np.array([0, 0, frame.traits.head_radius_mm]),
            frame.shaft_point(-90.0) + np.array([15.0, 0, 0]),
        ]
    )
    superior, inferior, head, shaft = cortex_mm(FemurSpace.of(frame, places), mineral())
    # Poole 2010: 3.9 to 3.3 mm inferiorly, 1.6 to 0.3 mm superiorly over a woman's life.
    assert inferior > 2.0 * superior
    assert shaft > inferior
    assert head < inferior


def test_shaft_is_hollow_and_its_cortex_compact(femur_of, voxels_of):
    femur = femur_of()
    body = voxels_of(femur, 1.5)
    frame = femur.frame
    level = -62.0 - frame.joint[2]

    def density(x):
        index = body.density.index_at(frame.at(frame.shaft_point(level) + np.array([x, 0, 0])))
        i, j, k = np.rint(index).astype(int)
        return body.density.array[k, j, i]

    profile = np.array([density(x) for x in np.arange(0.0, 18.0, 1.5)])
    assert profile[0] < 80.0
    assert profile.max() > 800.0


def test_texture_runs_along_the_trajectories(femur_of, voxels_of):
    """Autocorrelation at 3 mm in the head is larger along the compressive rays than across them."""
    plain, textured = (voxels_of(femur_of(texture_amplitude=a), 1.0) for a in (0.0, 1.4))
    frame = femur_of().frame
    noise = textured.density.array / np.maximum(plain.density.array, 1.0) - 1.0
    rng = np.random.default_rng(2)
    points = rng.uniform(-9.0, 9.0, (4000, 3)) + np.array([2.0, 0.0, 3.0])
    from_joint = (points - frame.joint) / frame.traits.scale
    ray = np.stack(
        [from_joint @ frame.outward - FAN_FROM[0], from_joint[:, 2] - FAN_FROM[1]], axis=1
    )
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    along = ray[:, :1] * frame.outward + ray[:, 1:] * up
    across = ray[:, 1:] * frame.outward - ray[:, :1] * up

    def at(local):
        world = frame.centre_mm + local @ frame.place.T
        i, j, k = np.rint(textured.density.index_at(world)).astype(int).T
        return noise[k, j, i]

    def correlation(direction):
        return np.corrcoef(at(points), at(points + 3.0 * direction))[0, 1]

    assert noise.std() > 0
    assert correlation(along) > correlation(across) + 0.2


def test_texture_adds_no_mass(femur_of, voxels_of):
    plain, textured = (
        voxels_of(femur_of(texture_amplitude=a), 1.5).density.array.sum(dtype=float)
        for a in (0.0, 1.4)
    )
    assert textured == pytest.approx(plain, rel=0.02)


@pytest.mark.parametrize("part", ["cortical", "trabecular", "compact_mg_cm3", "superior"])
def test_age_takes_from_every_part(part):
    config, demographics = BoneDensityConfig(), DemographicsConfig()
    people = [draw_person(demographics, 4, n) for n in range(1, 600)]
    values = [
        np.mean([getattr(draw_mineral(config, replace(p, age_years=age), 4), part) for p in people])
        for age in (30.0, 50.0, 65.0, 85.0)
    ]
    assert values[0] >= values[1] > values[2] > values[3]


def test_an_old_femur_holds_less_than_the_same_one_young(femur_of, voxels_of):
    masses = [
        voxels_of(femur_of(replace(PERSON, age_years=age)), 1.5).density.array.sum(dtype=float)
        for age in (45.0, 85.0)
    ]
    assert masses[1] < 0.9 * masses[0]


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.8])
def test_cortical_and_trabecular_deviations_correlate_as_configured(correlation):
    config = BoneDensityConfig(correlation=correlation)
    drawn = [draw_mineral(config, replace(PERSON, number=n), 4) for n in range(1, 2500)]
    logs = np.log([[m.cortical, m.trabecular, m.head_neck, m.compact_mg_cm3] for m in drawn])
    found = np.corrcoef(logs.T)
    # Three standard errors of a correlation of 2500 pairs; the tails are cut.
    assert found[0, 1] == pytest.approx(correlation, abs=0.06)
    assert np.abs([found[0, 2], found[1, 2], found[0, 3], found[2, 3]]).max() < 0.06


def test_sclerosis_is_dense_bone_under_the_bearing_surface(femur_of, voxels_of, healthy):
    bodies = [voxels_of(femur_of(disease=replace(healthy, sclerosis=s)), 1.5) for s in (0.0, 1.0)]
    frame = femur_of().frame
    top = frame.at(np.array([-0.3, 0.0, 0.85]) * frame.traits.head_radius_mm)
    bottom = frame.at(np.array([-0.3, 0.0, -0.7]) * frame.traits.head_radius_mm)
    values = []
    for place in (top, bottom):
        i, j, k = np.rint(bodies[0].density.index_at(place)).astype(int)
        values.append([float(b.density.array[k, j, i]) for b in bodies])
    assert values[0][1] > 1.3 * values[0][0]
    assert values[1][1] == pytest.approx(values[1][0], rel=0.05)
