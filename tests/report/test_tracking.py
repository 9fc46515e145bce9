from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bmdpipe.core.config.study import Decomposer, HipBmdConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.report.jobs import Run
from bmdpipe.report.summary import summarise
from bmdpipe.report.tracked_runs import tracked_runs

PARENTS = {"preparation", "conventional", "decomposition", "decomposition-regression"}


@dataclass
class Store:
    """A store on disk, read with SQL and not with the library that wrote it."""

    folder: Path
    tree: Any
    manifest: dict[str, Any]

    @property
    def database(self) -> Path:
        return self.folder / "mlflow.db"

    def track(self, files: bool = True) -> dict[str, int]:
        from bmdpipe.report.tracking import artefact_location, default_uri, track

        runs = tracked_runs(self.tree.run, summarise(self.tree.run, self.manifest))
        uri, location = default_uri(str(self.folder)), artefact_location(str(self.folder))
        return track(runs, "hip_bmd/demo", uri, location, files, "virtual")

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def keys(self) -> dict[str, str]:
        found = self.rows(
            "select t.value, r.run_uuid from tags t join runs r using (run_uuid)"
            " where t.key = 'run_key' and r.lifecycle_stage = 'active'"
        )
        keys = dict(found)
        assert len(keys) == len(found), "a key stands twice"
        return keys

    def metric(self, key: str, name: str) -> float:
        run = self.keys()[key]
        query = f"select value from latest_metrics where run_uuid = '{run}' and key = '{name}'"
        ((value,),) = self.rows(query)
        return value


@pytest.fixture(scope="module")
def store(
    make_tree: Any, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Store:
    pytest.importorskip("mlflow")
    root = tmp_path_factory.mktemp("tracked") / "results"
    found = Store(root, make_tree(root).write(), manifest)
    found.track()
    return found


def test_children_hang_under_their_parents(store: Store) -> None:
    parents = dict(
        store.rows(
            "select run_uuid, value from tags join runs using (run_uuid)"
            " where key = 'mlflow.parentRunId' and lifecycle_stage = 'active'"
        )
    )
    keys = store.keys()
    top = {key for key, run in keys.items() if run not in parents}
    assert {key.removeprefix("_") for key in top} == PARENTS
    for key, run in keys.items():
        if run in parents:
            assert parents[run] == keys[key.split("/")[0]]
            assert parents[run] not in parents, "one level only"


def test_a_shared_decomposer_is_a_child_of_each_experiment_that_uses_it(store: Store) -> None:
    keys = set(store.keys())
    for experiment in ("decomposition", "decomposition-regression"):
        assert {f"{experiment}/fold{k}/stage_{s}" for k in (0, 1) for s in ("one", "two")} <= keys
    assert "decomposition-regression/fold1/stage_three/qct" in keys
    assert "conventional/fold0/conventional/dxa" in keys
    assert not any(key.startswith("conventional") and "stage" in key for key in keys)


def test_parents_have_the_summary_s_numbers(store: Store) -> None:
    assert store.metric("decomposition", "dxa_pcc") == 0.88
    assert store.metric("decomposition", "dxa_projection_pcc") == 0.93
    assert store.metric("decomposition", "folds/dxa_pcc_sd") == 0.01
    assert store.metric("decomposition", "interval/qct_mae_low") == pytest.approx(17.9 * 0.9)


def test_a_stage_over_subjects_has_mean_median_and_course(store: Store) -> None:
    assert store.metric("_preparation/calibrate", "mean/score") == 2.0
    assert store.metric("_preparation/calibrate", "median/seconds") == 3.5
    run = store.keys()["_preparation/calibrate"]
    query = f"select step, value from metrics where run_uuid = '{run}' and key = '{{}}'"
    assert store.rows(query.format("by_subject/score")) == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_a_training_has_its_curve_and_its_parent_s_params(store: Store) -> None:
    run = store.keys()["decomposition/fold1/stage_one"]
    curve = store.rows(f"select step, value from metrics where run_uuid = '{run}' and key = 'loss'")
    assert sorted(curve) == [(0, 1.5), (1, 0.75), (2, 0.5)]
    params = dict(store.rows(f"select key, value from params where run_uuid = '{run}'"))
    assert params["decomposer.backbone"] == "resnet_small"
    assert params["fold"] == "1"
    assert params["lr"] == "0.001"


def test_pictures_and_manifests_lie_beside_the_store(store: Store) -> None:
    found = {path.name for path in (store.folder / "mlartifacts").rglob("*.*") if path.is_file()}
    assert {"scatter_dxa.png", "attention.png", "manifest.json"} <= found


def test_tracking_again_changes_nothing(store: Store) -> None:
    before = store.keys()
    assert store.track() == {"unchanged": len(before)}
    assert store.keys() == before


def test_a_changed_job_is_replaced_alone(store: Store) -> None:
    before = store.keys()
    store.tree.training(store.tree.run.at("train_stage_one", decomposer="main", fold=0), 9.0)
    done = store.track()
    assert done == {"replaced": 2, "unchanged": len(before) - 2}
    assert set(store.keys()) == set(before)
    assert store.metric("decomposition/fold0/stage_one", "final_loss") == 9.0
    run = store.keys()["decomposition/fold0/stage_one"]
    ((n,),) = store.rows(f"select count(*) from metrics where run_uuid = '{run}' and key = 'loss'")
    assert n == 3


def test_a_replaced_parent_keeps_its_children(store: Store) -> None:
    before = store.keys()
    store.tree.evaluation("conventional", pcc=0.5)
    assert store.track()["replaced"] == 1
    assert store.metric("conventional", "dxa_pcc") == 0.5
    assert store.keys()["conventional"] != before["conventional"]
    test_children_hang_under_their_parents(store)


def test_children_that_are_no_more_are_removed(store: Store) -> None:
    run: Run = store.tree.run
    plain = HipBmdConfig(
        decomposers={"main": Decomposer(hierarchical=False)},
        experiments=run.study.experiments,
    )
    store.tree.run = Run(run.layout, run.subjects, plain, run.n_folds, run.virtual)
    try:
        assert store.track()["removed"] == 4
        left = set(store.keys())
        assert not any("stage_one" in key for key in left)
    finally:
        store.tree.run = run


def test_no_metric_of_a_subject_that_was_quarantined(tree: Any) -> None:
    (preparation, *_) = tracked_runs(tree.run, summarise(tree.run, {**MANIFEST}))
    calibrate = next(run for run in preparation.children if run.name == "calibrate")
    assert [step for step, _ in calibrate.series["by_subject/score"]] == [0, 1, 2]


MANIFEST = {"commit": "abc", "config_hash": "0", "seeds": {}, "versions": {}}


def test_each_experiment_has_an_address_and_the_empty_one_of_mlflow_has_none(store: Store) -> None:
    from bmdpipe.cli.tracking_page import addresses
    from bmdpipe.report.tracking import default_uri

    found = addresses(default_uri(str(store.folder)), 5001)
    ((number,),) = store.rows("select experiment_id from experiments where name = 'hip_bmd/demo'")
    assert list(found) == ["hip_bmd/demo"]
    assert found["hip_bmd/demo"].startswith(f"http://127.0.0.1:5001/#/experiments/{number}/runs?")


def test_a_store_that_cannot_be_opened_is_a_line_and_no_traceback(
    store: Store, tmp_path: Path
) -> None:
    from bmdpipe.report.tracking import default_uri, experiments_in

    experiments_in(default_uri(str(store.folder)))
    copy = tmp_path / "mlflow.db"
    copy.write_bytes(store.database.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("update alembic_version set version_num = '451aebb31d03'")
        connection.commit()
    with pytest.raises(UsageError, match="mlflow db upgrade"):
        experiments_in(default_uri(str(tmp_path)))
