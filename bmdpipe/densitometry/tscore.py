"""T-scores, always with the name of the reference, and the WHO's classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Site = Literal["femoral_neck", "trochanter", "total_hip"]
WhoClass = Literal["normal", "osteopenia", "osteoporosis"]
OSTEOPENIA_BELOW = -1.0
OSTEOPOROSIS_AT = -2.5


@dataclass(frozen=True)
class Reference:
    """Young-adult mean and standard deviation of areal BMD, g/cm2, on one maker's device.

    `verified` is false where the figures were not read in the source that is named.
    """

    name: str
    site: Site
    device: str
    mean_g_cm2: float
    sd_g_cm2: float
    population: str
    source: str
    verified: bool


REFERENCES: dict[str, Reference] = {
    r.name: r
    for r in (
        Reference(
            "nhanes3-femoral-neck",
            "femoral_neck",
            "Hologic",
            0.858,
            0.120,
            "NHANES III, women 20-29 years",
            "Looker 1998",
            False,
        ),
        Reference(
            "nhanes3-total-hip",
            "total_hip",
            "Hologic",
            0.942,
            0.122,
            "NHANES III, women 20-29 years",
            "Looker 1998",
            False,
        ),
        Reference(
            "japan2012-femoral-neck",
            "femoral_neck",
            "Hologic",
            0.787,
            0.109,
            "Japan, young adult mean (YAM)",
            "Japanese criteria 2012",
            False,
        ),
        Reference(
            "japan2012-total-hip",
            "total_hip",
            "Hologic",
            0.875,
            0.100,
            "Japan, young adult mean (YAM)",
            "Japanese criteria 2012",
            False,
        ),
    )
}

STANDARDISED: dict[tuple[str, Site], tuple[float, float]] = {
    ("Hologic", "femoral_neck"): (0.019, 1.087),
    ("Hologic", "trochanter"): (-0.017, 1.105),
    ("Hologic", "total_hip"): (0.006, 1.008),
    ("Lunar", "femoral_neck"): (-0.023, 0.939),
    ("Lunar", "trochanter"): (-0.042, 0.949),
    ("Lunar", "total_hip"): (-0.031, 0.979),
    ("Norland", "femoral_neck"): (0.006, 0.985),
    ("Norland", "trochanter"): (0.057, 0.961),
    ("Norland", "total_hip"): (0.026, 1.012),
}
"""(a, b) of standardised BMD = 1000 (a + b x BMD) by device and site. Source: Hui 1997."""


def t_score(abmd_g_cm2: float, reference: str) -> float:
    """Standard deviations from the reference's mean; raises KeyError on an unknown reference."""
    chosen = REFERENCES[reference]
    return (abmd_g_cm2 - chosen.mean_g_cm2) / chosen.sd_g_cm2


def young_adult_percent(abmd_g_cm2: float, reference: str) -> float:
    """Per cent of the reference's mean; Japan's 2012 criteria call <= 70 % osteoporosis."""
    return 100.0 * abmd_g_cm2 / REFERENCES[reference].mean_g_cm2


def who_class(score: float) -> WhoClass:
    """The WHO's class of a T-score: normal from -1, osteoporosis at -2.5 or less."""
    if score <= OSTEOPOROSIS_AT:
        return "osteoporosis"
    return "osteopenia" if score < OSTEOPENIA_BELOW else "normal"


def standardised_bmd(abmd_g_cm2: float, device: str, site: Site) -> float:
    """Standardised BMD in mg/cm2, comparable between makers; raises KeyError if not published."""
    a, b = STANDARDISED[device, site]
    return 1000.0 * (a + b * abmd_g_cm2)


def t_scores(
    abmd_g_cm2: Mapping[Site, float], references: Iterable[str]
) -> dict[str, dict[str, float | str | bool]]:
    """T-score, class and per cent of the young adult mean by reference, for the sites measured."""
    scores: dict[str, dict[str, float | str | bool]] = {}
    for name in references:
        reference = REFERENCES[name]
        if reference.site in abmd_g_cm2:
            value = abmd_g_cm2[reference.site]
            score = t_score(value, name)
            scores[name] = {
                "site": reference.site,
                "t_score": score,
                "who_class": who_class(score),
                "young_adult_percent": young_adult_percent(value, name),
                "population": reference.population,
                "device": reference.device,
                "source": reference.source,
                "verified": reference.verified,
            }
    return scores
