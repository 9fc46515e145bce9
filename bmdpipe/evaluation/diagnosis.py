"""How well a predicted areal BMD tells osteoporosis, T-score -2.5 or less."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.densitometry.tscore import OSTEOPOROSIS_AT, REFERENCES
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample, Statistic
from bmdpipe.evaluation.ranks import area_under_roc


def cut_off(reference: str) -> float:
    """The areal BMD, g/cm2, whose T-score is -2.5 by a named reference."""
    chosen = REFERENCES[reference]
    return chosen.mean_g_cm2 + OSTEOPOROSIS_AT * chosen.sd_g_cm2


def describe_reference(reference: str) -> dict[str, Any]:
    """What a page must say of the reference beside any figure that rests on it."""
    chosen = REFERENCES[reference]
    return {
        "name": chosen.name,
        "population": chosen.population,
        "site": chosen.site,
        "device": chosen.device,
        "source": chosen.source,
        "cut_off_g_cm2": cut_off(reference),
    }


def diagnostic_statistics(reference: str) -> dict[str, Statistic]:
    """AUC, sensitivity and specificity of the estimate against the true BMD's diagnosis.

    Each raises NotMeasurable where subjects with and without osteoporosis are not both there.
    """
    limit = cut_off(reference)

    def classes(sample: Sample) -> NDArray[np.bool_]:
        ill = sample.truth <= limit
        if not ill.any() or ill.all():
            raise NotMeasurable("subjects with and without osteoporosis are needed")
        return ill

    def auc(sample: Sample) -> float:
        return area_under_roc(classes(sample), -sample.estimate)

    def sensitivity(sample: Sample) -> float:
        return float(np.mean(sample.estimate[classes(sample)] <= limit))

    def specificity(sample: Sample) -> float:
        return float(np.mean(sample.estimate[~classes(sample)] > limit))

    return {"auc": auc, "sensitivity": sensitivity, "specificity": specificity}
