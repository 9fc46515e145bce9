"""How close suppressed images come to the truth, and whether classifiers gain by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.agreement import NotMeasurable, mae
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.classification import classes_told
from bmdpipe.evaluation.images import psnr
from bmdpipe.evaluation.paired import delong, mcnemar
from bmdpipe.evaluation.summary import summarise
from bmdpipe.training.structural import ms_ssim, ssim

IMAGE_METRICS = ("mae", "psnr", "ssim", "ms_ssim")
INPUT = "radiograph as it is"


def image_table(
    cases: Sequence[str], subjects: Sequence[str], made: NDArray, truth: NDArray
) -> pd.DataFrame:
    """A row per image `[n, 1, h, w]` of 0 to 1, with its metrics against the truth."""
    a, b = torch.from_numpy(truth).double(), torch.from_numpy(made).double()
    return pd.DataFrame(
        {
            "case": list(cases),
            "subject": list(subjects),
            "mae": [mae(t.ravel(), m.ravel()) for t, m in zip(truth, made, strict=True)],
            "psnr": [psnr(t, m, 1.0) for t, m in zip(truth, made, strict=True)],
            "ssim": ssim(a, b).numpy(),
            "ms_ssim": ms_ssim(a, b).numpy(),
        }
    )


def summarise_images(
    tables: Mapping[str, Path], config: EvaluationConfig
) -> dict[str, dict[str, Any]]:
    """Per method the mean of each metric over the held-out images, with its interval."""
    result: dict[str, dict[str, Any]] = {}
    for method, path in tables.items():
        table = pd.read_csv(path, sep="\t", dtype={"case": str, "subject": str})
        result[method] = {}
        for name in IMAGE_METRICS:
            values = table[name].to_numpy(np.float64)
            subjects = table["subject"].to_numpy().astype(str)
            sample = Sample(values, values, subjects, np.zeros(len(values), int))
            found, _ = summarise(sample, "", config, {name: lambda s: float(s.estimate.mean())})
            result[method][name] = found[name]
    return result


def compare(first: Sample, second: Sample) -> dict[str, Any]:
    """Paired tests of two classifiers' held-out probabilities, subject by subject.

    Raises ValueError if they did not tell the same subjects, once each: the tests take cases to be
    independent of each other.
    """
    a, b = _by_subject(first), _by_subject(second)
    same = np.array_equal(a.subject, b.subject) and np.array_equal(a.truth, b.truth)
    if not same or a.n_subjects != len(a):
        raise ValueError("the classifiers did not tell the same subjects once each")
    result: dict[str, Any] = {
        "mcnemar": asdict(mcnemar(classes_told(a) == a.truth, classes_told(b) == b.truth))
    }
    try:
        result["delong"] = asdict(delong(a.truth, a.estimate[:, 1], b.estimate[:, 1]))
    except NotMeasurable as reason:
        result["left_out"] = str(reason)
    return result


def _by_subject(sample: Sample) -> Sample:
    order = np.argsort(sample.subject, kind="stable")
    return Sample(
        sample.truth[order], sample.estimate[order], sample.subject[order], sample.fold[order]
    )
