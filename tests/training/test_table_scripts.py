"""From trained experiments to the paper's tables and figures, on a made-up cohort."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from bmdpipe.core.config.study import HipBmdConfig
from bmdpipe.core.files import COMPRESSED
from bmdpipe.core.tables import TABLES, rows_of, with_tables
from tests.training.made_up_cohort import DECOMPOSER, run
from workflow_scripts.compress import compress
from workflow_scripts.evaluate import evaluate
from workflow_scripts.predict import predict
from workflow_scripts.table import table
from workflow_scripts.train_conventional import train_conventional
from workflow_scripts.train_stage_one import train_stage_one
from workflow_scripts.train_stage_three import train_stage_three
from workflow_scripts.train_stage_two import train_stage_two

TARGETS = ["dxa", "qct"]


def _study(**tables):
    return HipBmdConfig.model_validate(
        {
            "decomposers": {"main": DECOMPOSER.model_dump(mode="json")},
            "tables": {"backbones": ["resnet_tiny", "other"], **tables},
        }
    )


def test_table_2_has_the_papers_rows():
    """Gu 2023 Table 2: thirteen trained rows, seven of them without uncalibrated CT."""
    study = _study()
    rows = rows_of("table2", study, uncalibrated=True)
    assert len(rows) == 13
    assert len({(row.group, row.label) for row in rows}) == 13  # seeds are averaged by these
    assert len(rows_of("table2", study, uncalibrated=False)) == 7
    groups = [row.group for row in rows]
    assert (groups.count("four positionings"), groups.count("two positionings")) == (7, 6)
    expanded = with_tables(study, uncalibrated=True)
    for row in rows:
        (name,) = row.experiments
        experiment = expanded.experiments[name]
        wanted = 2 if row.group.startswith("two") else 4
        assert len(experiment.positionings) == wanted
        if row.decomposers[0]:
            decomposer = expanded.decomposers[row.decomposers[0]]
            assert experiment.decomposer == row.decomposers[0]
            assert len(decomposer.positionings) == wanted
            assert (decomposer.density == "ct") == ("-ct-" in name)


def test_the_head_for_small_cohorts_adds_one_row_that_is_named_as_ours():
    study = _study(heads=["transformer", "projection"])
    paper = rows_of("table2", _study(), uncalibrated=True)
    rows = rows_of("table2", study, uncalibrated=True)
    (ours,) = [row for row in rows if row.label not in {other.label for other in paper}]
    assert "not the paper's" in ours.label
    assert [row for row in rows if row is not ours] == paper
    experiment = with_tables(study, uncalibrated=True).experiments[ours.experiments[0]]
    assert (experiment.head, experiment.encoder, len(experiment.positionings)) == (
        "projection", "frozen", 4,
    )  # fmt: skip


def test_table_3_varies_backbone_and_hierarchy_alone_with_every_seed():
    study = _study(seeds=[0, 7])
    expanded = with_tables(study, uncalibrated=False)
    rows = rows_of("table3", study, uncalibrated=False)
    made = [expanded.decomposers[n] for row in rows for n in row.decomposers]
    assert [(d.backbone, d.hierarchical, d.seed) for d in made] == [
        (b, h, s) for b in ("resnet_tiny", "other") for h in (False, True) for s in (0, 7)
    ]
    assert {d.positionings for d in made} == {("standing",)}
    assert {d.stage_two_epochs for d in made} == {DECOMPOSER.stage_two_epochs}


def test_a_study_without_its_base_decomposer_has_no_tables():
    study = _study(base="elsewhere")
    assert with_tables(study, uncalibrated=True) == study


@pytest.fixture
def trained(ready):
    """The experiments of Fig. 7 to 9 and of Table 2 without two positionings, all folds."""
    study = with_tables(_study(bit_depths=[8, 1], jpeg_qualities=[90, 10]), uncalibrated=False)
    wanted = ["t2-conventional-seed0", "t2-4-qct-decomposition-seed0", "t2-4-qct-tuned-seed0"]
    common = {"targets": TARGETS, "folds": 2, "virtual": True, "evaluation": EVALUATION}
    for fold in (0, 1):
        for name in wanted:
            experiment = study.experiments[name]
            decomposer = study.decomposers.get(str(experiment.decomposer))
            more = {
                **common,
                "experiment": experiment.model_dump(mode="json"),
                "decomposer": decomposer and decomposer.model_dump(mode="json"),
            }
            if decomposer is not None:
                for script in (train_stage_one, train_stage_two):
                    keys = {"decomposer": experiment.decomposer, "fold": fold}
                    job = ready(script.__name__, more, **keys)
                    if not job.out.exists():
                        run(script, job)
            last = {"conventional": train_conventional, "regression": train_stage_three}
            for target in TARGETS if experiment.method in last else ():
                keys = {"experiment": name, "target": target, "fold": fold}
                script = last[experiment.method]
                run(script, ready(script.__name__, more, **keys))
            run(predict, ready("predict", more, experiment=name, fold=fold))
            if experiment.method != "conventional":
                limits = {"bit_depths": [8, 1], "jpeg_qualities": [90, 10]}
                run(compress, ready("compress", {**more, **limits}, experiment=name, fold=fold))
    for name in wanted:
        run(evaluate, ready("evaluate", common, experiment=name))
    return ready, study, common


EVALUATION = {"bootstrap_samples": 20}


def test_tables_and_figures_are_written(trained):
    ready, study, common = trained
    for name in ("table2", "fig8", "fig9"):
        rows = [
            asdict(row)
            for row in rows_of(name, study, uncalibrated=False)
            if row.group.startswith("four") and "frozen" not in row.label
        ]
        job = ready("table", {**common, "rows": rows, "seeds": [0]}, table=name)
        run(table, job)
        frame = pd.read_csv(job.out / f"{name}.tsv", sep="\t")
        assert list(frame["label"][: len(rows)]) == [row["label"] for row in rows]
        assert np.isfinite(frame[["dxa_mae", "qct_mae"]]).all(axis=None)
        assert "virtual subjects" in (job.out / f"{name}.md").read_text()
        if name == "table2":
            assert frame["label"].iloc[-1] == "true projection from QCT"
            assert frame["qct_pcc"].iloc[-1] > 0.9  # BMD follows from the made-up projections
        if name == "fig8":
            curves = pd.read_csv(job.out / COMPRESSED, sep="\t")
            sizes = curves.groupby(["compression", "setting"])["size_kb"].mean()
            assert sizes["bits", 8] == pytest.approx(16 * 32 / 1000)
            assert sizes["bits", 8] == 8 * sizes["bits", 1]
            assert sizes["jpeg", 10] < sizes["jpeg", 90]
            assert (job.out / "fig8.png").stat().st_size > 5000
        if name == "fig9":
            assert (job.out / "fig11_dxa.png").stat().st_size > 5000
            assert (job.out / "fig10_qct.png").stat().st_size > 5000
            assert "| QCT | external rotation |" in (job.out / "fig10.md").read_text()


def test_every_table_has_a_target_of_its_name():
    from pathlib import Path

    rules = (Path(__file__).parents[2] / "rules" / "tables.smk").read_text()
    assert all(f"\nrule {name}:\n" in rules for name in TABLES)
