"""The scores that stand beside a map, as text, as JSON, and as means over cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bmdpipe.explain.attention import Attention


def scores_text(found: Attention) -> str:
    """What stands below a map: gains over random orders, likeness to the shuffled weights' map."""
    check = found.faithfulness
    gain = "none" if check.deletion_gain is None else f"×{check.deletion_gain:.2f}"
    back = "none" if check.insertion_gain is None else f"×{check.insertion_gain:.2f}"
    alike = found.shuffled_similarity
    third = "" if alike is None else f"\nshuffled ρ {alike:.2f}"
    return f"del {gain}, ins {back}{third}"


def plain_scores(found: Attention) -> dict[str, Any]:
    scores = {k: v for k, v in asdict(found.faithfulness).items() if v is not None}
    if found.shuffled_similarity is not None:
        scores["shuffled_similarity"] = found.shuffled_similarity
    return scores


def mean_scores(found: Sequence[Attention]) -> dict[str, float]:
    """The mean over cases of every score that a case has."""
    plain = [plain_scores(each) for each in found]
    names = sorted({name for each in plain for name in each})
    return {name: float(np.mean([p[name] for p in plain if name in p])) for name in names}
