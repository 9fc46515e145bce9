"""The paper's tables and figures are targets of the workflow."""

import pandas as pd
import pytest

from bmdpipe.core.tables import TABLES

pytestmark = [pytest.mark.workflow, pytest.mark.long]


def test_every_table_is_a_target_and_complete(finished):
    done = finished.snakemake(
        *TABLES,
        "--configfile",
        "config/test.yaml",
        "--show-failed-logs",
        "--rerun-triggers",
        "mtime",
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    folder = finished.root / "results" / "test" / "tables"
    for name in TABLES:
        frame = pd.read_csv(folder / name / f"{name}.tsv", sep="\t")
        assert len(frame) >= 2, name
    rows = pd.read_csv(folder / "table2" / "table2.tsv", sep="\t")["label"].value_counts()
    assert rows["decomposition using uncalibrated CT"] == 2
    assert rows["true projection from uncalibrated CT"] >= 1
