"""Error against joint angles on rows whose outliers are put there by hand."""

import numpy as np
import pandas as pd
import pytest

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.joint_errors import ANGLES, angle_page, errors_by_angle


@pytest.fixture
def rows():
    """200 hips; two are flexed by 40 degrees, one of them and one other are read 0.5 too high."""
    random = np.random.default_rng(3)
    table = pd.DataFrame({angle: random.normal(0, 5, 200) for angle in ANGLES})
    table["bmd_true"] = random.normal(0.8, 0.1, 200)
    error = random.uniform(-0.02, 0.02, 200)
    table["flexion"] = table["flexion"].clip(-8, 8)
    table.loc[[0, 1], "flexion"] = 40.0
    error[[1, 2]] = 0.5
    table["bmd_pred"] = table["bmd_true"] + error
    return table


def test_rates_of_normal_and_abnormal_hips(rows):
    flexion = errors_by_angle(rows)[0]
    assert (flexion.angle, flexion.n, flexion.n_abnormal) == ("flexion", 200, 2)
    assert flexion.rate_abnormal == 0.5
    assert flexion.rate_normal == pytest.approx(1 / 198)


def test_correlation_is_that_of_numpy(rows):
    error = np.abs(rows["bmd_pred"] - rows["bmd_true"])
    for found in errors_by_angle(rows):
        angle = rows[found.angle]
        expected = np.corrcoef(np.abs(angle - angle.mean()), error)[0, 1]
        assert found.pcc == pytest.approx(expected)


def test_rows_without_a_pose_or_a_value_are_left_out(rows):
    without = rows.copy()
    without.loc[10, "abduction"] = np.nan
    without.loc[11, "bmd_true"] = np.nan
    kept = errors_by_angle(rows.drop([10, 11]))
    assert errors_by_angle(without) == kept
    with pytest.raises(NotMeasurable):
        errors_by_angle(rows.head(2))


def test_page_shows_a_dash_where_no_angle_is_abnormal(rows):
    rows["abduction"] = np.linspace(-1, 1, len(rows))
    page = angle_page([("dxa", found) for found in errors_by_angle(rows)], "title")
    assert "| DXA | abduction |" in page
    assert "| – of 0 |" in page
