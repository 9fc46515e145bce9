"""Published figures that a virtual cohort is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cohort:
    """One data set of Gu et al. 2023, Table 1. Pairs are mean and standard deviation; what the
    table does not give is None. The unit of its CT-BMD is printed as g/cm3 but is mg/cm3."""

    name: str
    n: int
    female_percent: float
    age_years: tuple[float, float]
    bmi: tuple[float, float]
    dxa_g_cm2: tuple[float, float] | None = None
    qct_mg_cm3: tuple[float, float] | None = None
    t_score_quartiles: tuple[float, float, float] | None = None
    osteoporosis_percent: float | None = None


DATASET_A = Cohort("A", 275, 85.8, (58.6, 14.3), (23.1, 3.8))
DATASET_B = Cohort(
    "B",
    305,
    82.0,
    (57.6, 14.9),
    (23.5, 4.0),
    (0.759, 0.151),
    (290.0, 57.0),
    (-2.1, -1.2, 0.4),
    16.4,
)
IMPLANT_SIDES_PERCENT = 100.0 * 25 / 550
"""Dataset A: 525 of 550 sides were used, the rest held an implant (§4.1)."""


@dataclass(frozen=True)
class Norm:
    """A published size or angle: women's and men's value as words, and the source."""

    label: str
    unit: str
    women: str
    men: str
    source: str


NORMS: dict[str, Norm] = {
    "head_diameter_mm": Norm(
        "femoral head diameter", "mm", "43.3", "48.5",
        "Cho 2015, BioMed Res Int 730538, table 3 (202 Korean femurs, CT)",
    ),
    "neck_shaft_deg": Norm(
        "neck-shaft angle", "°", "130.8; 123.0", "129.6; 121.5",
        "Cho 2015; PMC4775021 (1070 CTs, quartiles 117.9 to 125.6), abstract",
    ),
    "anteversion_deg": Norm(
        "femoral anteversion", "°", "16.4", "12.1",
        "PMC4775021 (1070 CTs, quartiles 7.4 to 20.4), abstract",
    ),
    "offset_mm": Norm(
        "femoral offset", "mm", "37.3", "38.7",
        "Cho 2015, table 3; 42.9 ± 6.8 in 628 subjects, Carmona (year unverified), abstract",
    ),
    "neck_length_mm": Norm(
        "head centre to neck-shaft axis crossing", "mm", "–", "–", "no figure by sex was read",
    ),
    "head_from_midline_mm": Norm(
        "head centre from midline", "mm", "91.5 ± 2.6", "95.0 ± 2.2",
        "Rabari, Int J Res Orthop (500 radiographs, magnified as taken), abstract",
    ),
}  # fmt: skip
