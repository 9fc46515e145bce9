"""How well a DXA value can be told from what is true of a virtual vertebra (docs/ct_bmd.md).

python docs/scripts/ct_bmd_bound.py results/ct-bmd-small/studies/ct_bmd/cohort config/ct_bmd.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.loading import load_config
from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.files import CT_CASES, TRUE_DENSITY, TRUE_LABELS, TRUTH
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.virtual.case_names import case_number
from bmdpipe.virtual.demographics import draw_person
from bmdpipe.virtual.lumbar.traits import draw_traits

BODY = ["core", "cortex", "width", "depth", "osteophytes", "sclerosis"]
ALL = [*BODY, "facets", "pedicle", "height", "disc", "calcification"]
BODY_IN_SLICE = ["body_mineral", "body_area"]
VERTEBRA_IN_SLICE = [*BODY_IN_SLICE, "vertebra_mineral", "vertebra_area"]


def facts(config: LumbarConfig, folder: Path, case: str) -> dict[str, float]:
    """What is true of a case: its traits, and mineral and area in the middle slice."""
    number = case_number(config.prefix, case)
    traits = draw_traits(config, draw_person(config.demographics, config.seed, number))
    truth = read_json(folder / TRUTH)
    labels = read_volume(folder / TRUE_LABELS).array
    density = read_volume(folder / TRUE_DENSITY).array
    middle = truth["middle_slice"]
    body, vertebra = labels[middle] == 1, labels[middle] > 0
    return {
        "core": traits.trabecular_mg_cm3,
        "cortex": traits.cortex,
        "width": traits.width,
        "depth": traits.depth,
        "osteophytes": traits.wear.osteophytes,
        "sclerosis": traits.wear.sclerosis,
        "facets": sum(traits.wear.facets),
        "pedicle": traits.pedicle,
        "height": traits.height,
        "disc": traits.disc,
        "calcification": traits.wear.calcification,
        "true_abmd": truth["abmd_g_cm2"],
        "body_mineral": float(density[middle][body].sum()),
        "body_area": float(body.sum()),
        "vertebra_mineral": float(density[middle][vertebra].sum()),
        "vertebra_area": float(vertebra.sum()),
    }


def main(cohort: Path, path: Path) -> None:
    config = load_config(path).lumbar
    table = pd.read_csv(cohort / CT_CASES, sep="\t")
    known = pd.DataFrame([facts(config, cohort / case, case) for case in table["case"]])
    dxa = table["dxa_abmd_g_cm2"]
    sys.stdout.write(f"true_abmd: {dxa.corr(known['true_abmd']):.3f}\n")
    sys.stdout.write(f"qct_vbmd: {dxa.corr(table['qct_vbmd_mg_cm3']):.3f}\n")
    model = make_pipeline(PolynomialFeatures(2), StandardScaler(), RidgeCV(np.logspace(-1, 4, 20)))
    folds = KFold(10, shuffle=True, random_state=0)
    for columns in (ALL, BODY, VERTEBRA_IN_SLICE, BODY_IN_SLICE):
        told = cross_val_predict(model, known[columns], dxa, cv=folds)
        sys.stdout.write(f"{', '.join(columns)}: {np.corrcoef(told, dxa)[0, 1]:.3f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
