"""The tables of docs/virtual_cohort.md from the rows of a survey."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.densitometry.tscore import REFERENCES, t_score, young_adult_percent
from bmdpipe.virtual.demographics import DATASET_A_FROM, person_of
from bmdpipe.virtual.hip.disease import draw_disease
from bmdpipe.virtual.survey.measure import Surveyed
from bmdpipe.virtual.survey.published import (
    DATASET_A,
    DATASET_B,
    IMPLANT_SIDES_PERCENT,
    NORMS,
    Cohort,
)
from bmdpipe.virtual.survey.statistics import (
    Correlation,
    Moments,
    column,
    correlation,
    difference_percent,
    known_without_image,
    predictability,
    seen_column,
    seen_correlation,
)

REFERENCE = "japan2012-total-hip"
OSTEOPOROSIS_PERCENT_OF_YAM = 70.0
RULE_PERCENT = 10.0
WORDS = {"all": "all radiographs"}


def against_table_one(rows: Sequence[Surveyed]) -> Iterator[str]:
    yield "## Against dataset B\n"
    yield (
        "The paper's Table 1 (305 patients), and the rule of this project: each mean and standard "
        f"deviation within {RULE_PERCENT:.0f} %.\n"
    )
    yield "| | paper | virtual | difference | within 10 % |"
    yield "|---|---|---|---|---|"
    yield f"| subjects | {DATASET_B.n} | {len(rows)} | | |"
    yield from _demographics(rows, DATASET_B)
    if DATASET_B.dxa_g_cm2 and DATASET_B.qct_mg_cm3:
        values = column(rows, "dxa_g_cm2"), column(rows, "vbmd_mg_cm3")
        yield from _pair("DXA, g/cm²", DATASET_B.dxa_g_cm2, Moments.of(values[0]), 3)
        yield from _pair("QCT, mg/cm³", DATASET_B.qct_mg_cm3, Moments.of(values[1]), 1)
    yield from _osteoporosis(rows)
    yield ""


def _demographics(rows: Sequence[Surveyed], theirs: Cohort) -> Iterator[str]:
    female = 100.0 * np.mean([row.sex == "F" for row in rows])
    yield _line("women, %", theirs.female_percent, float(female), 1)
    yield from _pair("age, years", theirs.age_years, Moments.of(column(rows, "age_years")), 1)
    yield from _pair("BMI, kg/m²", theirs.bmi, Moments.of(column(rows, "bmi")), 1)


def _pair(label: str, theirs: tuple[float, float], ours: Moments, digits: int) -> Iterator[str]:
    yield _line(f"{label}: mean", theirs[0], ours.mean, digits)
    yield _line(f"{label}: standard deviation", theirs[1], ours.sd, digits)


def _line(label: str, theirs: float, ours: float, digits: int) -> str:
    difference = difference_percent(ours, theirs)
    verdict = "yes" if abs(difference) <= RULE_PERCENT else "**no**"
    shown = f"{theirs:.{digits}f} | {ours:.{digits}f} | {difference:+.1f} % | {verdict}"
    return f"| {label} | {shown} |"


def _osteoporosis(rows: Sequence[Surveyed]) -> Iterator[str]:
    """The paper names no reference; Japan's of 2012 agrees best with its three numbers."""
    dxa = column(rows, "dxa_g_cm2")
    scores = [t_score(value, REFERENCE) for value in dxa]
    low, median, high = np.percentile(scores, [25, 50, 75])
    yam = np.array([young_adult_percent(value, REFERENCE) for value in dxa])
    sick = 100.0 * float(np.mean(yam <= OSTEOPOROSIS_PERCENT_OF_YAM))
    error = 100.0 * np.sqrt(0.164 * 0.836 / len(rows))
    theirs, share = DATASET_B.t_score_quartiles, DATASET_B.osteoporosis_percent
    if theirs is None or share is None:
        return
    name = f"{REFERENCES[REFERENCE].population}, {REFERENCE}"
    yield (
        f"| T-score, median (quartiles); {name} | {theirs[1]} ({theirs[0]}, {theirs[2]}) | "
        f"{median:.1f} ({low:.1f}, {high:.1f}) | {median - theirs[1]:+.1f} | – |"
    )
    yield (
        f"| osteoporosis (at most 70 % of that mean), %; sampling error ± {error:.1f} | {share} | "
        f"{sick:.1f} | {sick - share:+.1f} | – |"
    )


def against_dataset_a(config: VirtualConfig) -> Iterator[str]:
    """Who the subjects of stage one are; nothing of them needs to be built for that."""
    numbers = [DATASET_A_FROM + n + 1 for n in range(config.n_dataset_a)]
    rows = [person_of(config, number) for number in numbers]
    if not rows:
        return
    hips = [draw_disease(config.disease, person, config.seed) for person in rows]
    yield "## Against dataset A\n"
    yield (
        f"The paper trains its first stage on another {DATASET_A.n} patients, one radiograph with "
        "both hips of each; so does this cohort.\n"
    )
    yield "| | paper | virtual | difference | within 10 % |"
    yield "|---|---|---|---|---|"
    yield from _demographics(rows, DATASET_A)
    ours = 50.0 * float(np.mean([any(h.implant for h in both.values()) for both in hips]))
    theirs = IMPLANT_SIDES_PERCENT
    yield f"| sides with an implant, % | {theirs:.1f} | {ours:.1f} | {ours - theirs:+.1f} | – |"
    yield ""


def difficulty(rows: Sequence[Surveyed]) -> Iterator[str]:
    """Grey values must not tell the BMD, true projections must."""
    yield "## Difficulty\n"
    yield (
        "Correlation (95 % interval) over the proximal femur's true mask at the true pose of each "
        "radiograph: the mean grey as imported (0 to 1, bone bright), which must not give the BMD "
        "away (|r| < 0.3), and the mean true density projection, which must (r with DXA 0.90 to "
        "0.96, with QCT 0.85 to 0.93). Intervals count subjects, not radiographs.\n"
    )
    yield "| positioning | grey, DXA | grey, QCT | projection, DXA | projection, QCT |"
    yield "|---|---|---|---|---|"
    grey = {t: seen_correlation(rows, "intensity", t) for t in ("dxa_g_cm2", "vbmd_mg_cm3")}
    true = {t: seen_correlation(rows, "projection_mg_cm2", t) for t in ("dxa_g_cm2", "vbmd_mg_cm3")}
    for name in grey["dxa_g_cm2"]:
        cells = [
            _judged(grey["dxa_g_cm2"][name], -0.3, 0.3),
            _judged(grey["vbmd_mg_cm3"][name], -0.3, 0.3),
            _judged(true["dxa_g_cm2"][name], 0.90, 0.96),
            _judged(true["vbmd_mg_cm3"][name], 0.85, 0.93),
        ]
        yield f"| {WORDS.get(name, name)} | " + " | ".join(cells) + " |"
    between = correlation(column(rows, "dxa_g_cm2"), column(rows, "vbmd_mg_cm3"))
    yield f"\nDXA with QCT: {_shown(between)}.\n"


def predictability_table(rows: Sequence[Surveyed]) -> Iterator[str]:
    yield "## What is known without an image\n"
    yield (
        "Correlation of the BMD with its prediction by linear regression on other subjects (ten "
        "folds); the rule is r < 0.6. Shape: all traits of the examined femur, and the pelvis' "
        "sizes.\n"
    )
    yield "| predictors | DXA | QCT |"
    yield "|---|---|---|"
    for label, shape in (("age, sex, BMI", False), ("age, sex, BMI and shape", True)):
        known = known_without_image(rows, shape)
        cells = [
            _judged(predictability(known, column(rows, target)), -1.0, 0.6)
            for target in ("dxa_g_cm2", "vbmd_mg_cm3")
        ]
        yield f"| {label} | " + " | ".join(cells) + " |"
    yield ""


def dxa_accuracy(rows: Sequence[Surveyed]) -> Iterator[str]:
    """Reading over truth: bias and spread between subjects."""
    error = Moments.of(100.0 * (column(rows, "dxa_g_cm2") / column(rows, "true_abmd_g_cm2") - 1.0))
    yield "## The DXA scanner's error\n"
    yield (
        f"Reading against the true areal BMD of the region: {error.mean:+.1f} ± {error.sd:.1f} % "
        "(mean and standard deviation over subjects), precision error included. It stems from fat "
        "around the bone and inside it, from the bone's edge, and from a bias of the subject's own "
        "(`virtual.dxa.accuracy_cv`).\n"
    )


def anatomy_table(rows: Sequence[Surveyed]) -> Iterator[str]:
    yield "## Anatomy\n"
    yield "Examined hips, mean ± standard deviation, beside published figures.\n"
    yield "| | women | published | men | published | source |"
    yield "|---|---|---|---|---|---|"
    for key, norm in NORMS.items():
        cells = []
        for sex, theirs in (("F", norm.women), ("M", norm.men)):
            values = [row.anatomy[key] for row in rows if row.sex == sex]
            ours = Moments.of(values) if len(values) > 1 else None
            cells += [f"{ours.mean:.1f} ± {ours.sd:.1f}" if ours else "–", theirs]
        yield f"| {norm.label}, {norm.unit} | " + " | ".join(cells) + f" | {norm.source} |"
    yield ""


def disease_table(rows: Sequence[Surveyed]) -> Iterator[str]:
    yield "## Hip disease\n"
    grades = Counter(row.grade for row in rows)
    yield "| Kellgren-Lawrence grade of the examined hip | " + " | ".join("01234") + " |"
    yield "|---|" + "---|" * 5
    counts = (f"{grades[g]} ({100 * grades[g] / len(rows):.0f} %)" for g in range(5))
    yield "| subjects | " + " | ".join(counts) + " |\n"


def joint_table(rows: Sequence[Surveyed]) -> Iterator[str]:
    yield "## Joint angles\n"
    yield "Motion of the examined femur against the pelvis since the CT, degrees.\n"
    yield "| positioning | flexion | abduction | external rotation |"
    yield "|---|---|---|---|"
    for name in rows[0].radiographs:
        cells = []
        for angle in ("flexion_deg", "abduction_deg", "external_rotation_deg"):
            ours = Moments.of(seen_column(rows, name, angle))
            cells.append(f"{ours.mean:+.1f} ± {ours.sd:.1f}")
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def _shown(found: Correlation) -> str:
    return f"{found.r:.2f} ({found.low:.2f}, {found.high:.2f})"


def _judged(found: Correlation, low: float, high: float) -> str:
    return _shown(found) + ("" if found.within(low, high) else " **out**")
