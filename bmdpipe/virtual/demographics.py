"""Who a virtual subject is: sex, age, BMI and the hip that was examined.

Everything random of a subject comes from the cohort's seed and the subject's number, by name of
what is drawn, so that neither another subject nor another draw changes it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.demographics import DemographicsConfig

DATASET_A_FROM = 10_000
"""Subjects of dataset A are numbered from here on, so that they share no draw with dataset B."""


@dataclass(frozen=True)
class Person:
    """`number` counts from 1 within the cohort, from 10,001 in dataset A; `bmi` in kg/m2."""

    number: int
    sex: str
    age_years: float
    bmi: float
    side: str


def stream(seed: int, number: int, name: str) -> np.random.Generator:
    """The generator of one named draw of one subject."""
    return np.random.default_rng([seed, number, zlib.crc32(name.encode())])


def person_of(config: VirtualConfig, number: int) -> Person:
    """The person of a number, of the dataset that the number belongs to."""
    of = config.dataset_a if number > DATASET_A_FROM else config.demographics
    return draw_person(of, config.seed, number)


def draw_person(config: DemographicsConfig, seed: int, number: int) -> Person:
    """A person by number; the tails that nobody would scan are cut."""
    rng = stream(seed, number, "person")
    sex, z_age, z_bmi, side = rng.random(), *rng.standard_normal(2), rng.random()
    age = float(np.clip(config.age_mean_years + config.age_sd_years * z_age, 20.0, 92.0))
    bmi = float(np.clip(config.bmi_mean + config.bmi_sd * z_bmi, 15.5, 36.0))
    return Person(
        number=number,
        sex="F" if sex < config.female_fraction else "M",
        age_years=round(age, 1),
        bmi=round(bmi, 1),
        side="R" if side < 0.5 else "L",
    )
