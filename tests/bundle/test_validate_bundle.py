"""A bundle on a cohort that it has not seen: the same readings, judged against what is known."""

import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from bmdpipe.cli.main import main
from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import EVALUATION, PREDICTIONS
from bmdpipe.evaluation.agreement import mae, pcc
from bmdpipe.report.bundle.files import read_bundle
from bmdpipe.report.bundle.predict import predict
from bmdpipe.report.bundle.validation_page import PAGE
from tests.bundle.conftest import picture, write_dicom

OFFSET = 0.05
"""What this hospital's DXA shows more than the bundle reads, g/cm2."""
PEOPLE = [f"X{n}" for n in range(6)]
NAMES = ("standing", "supine")


@pytest.fixture(scope="module")
def hospital(bundle, tmp_path_factory):
    """Tables and radiographs of another hospital without a CT, and a config that names them.

    Each subject's DXA is the mean of what the bundle reads from its radiographs, plus OFFSET.
    """
    root = tmp_path_factory.mktemp("hospital")
    rng = np.random.default_rng(5)
    subjects, radiographs = [], []
    for number, name in enumerate(PEOPLE):
        side = "RL"[number % 2]
        paths = [write_dicom(root / name / f"{kind}.dcm", picture(rng)) for kind in NAMES]
        read = [
            next(e.bmd for e in found.hips[0].estimates if e.target == "dxa")
            for found in predict(read_bundle(bundle), paths, [side], "cpu")
        ]
        row = {"subject": name, "sex": "F", "age_years": 60, "bmi": 24, "side": side}
        dxa = {"dxa_abmd_g_cm2": np.mean(read) + OFFSET, "dxa_device": "Another-B"}
        subjects.append({**row, **dxa})
        radiographs += [
            {"subject": name, "radiograph": kind, "positioning": kind, "path": path}
            for kind, path in zip(NAMES, paths, strict=True)
        ]
    pd.DataFrame(subjects).to_csv(root / "subjects.tsv", sep="\t", index=False)
    pd.DataFrame(radiographs).to_csv(root / "radiographs.tsv", sep="\t", index=False)
    config = {
        "cohort": {"name": "other", "kind": "tables", "tables": str(root)},
        "results": str(root / "results"),
        "training": {"device": "cpu"},
        "evaluation": {"bootstrap_samples": 20},
    }
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    return root


@pytest.fixture(scope="module")
def validated(bundle, hospital, tmp_path_factory):
    """The folder that the command leaves; it records in MLflow too."""
    out = tmp_path_factory.mktemp("validated") / "out"
    assert command("validate", bundle, hospital / "config.yaml", "--out", out, "--track") == 0
    return out


def command(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bmdpipe", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
    return int(left.value.code or 0)


def test_every_radiograph_is_read_as_predict_reads_it(bundle, hospital, validated):
    table = pd.read_csv(validated / PREDICTIONS, sep="\t")
    table = table[table["target"] == "dxa"].set_index("case")
    assert len(table) == len(PEOPLE) * len(NAMES)
    for number, name in enumerate(PEOPLE):
        paths = [hospital / name / f"{kind}.dcm" for kind in NAMES]
        found = predict(read_bundle(bundle), paths, ["RL"[number % 2]], "cpu")
        for kind, one in zip(NAMES, found, strict=True):
            expected = next(e for e in one.hips[0].estimates if e.target == "dxa")
            row = table.loc[f"{name}/{kind}"]
            assert row["bmd_pred"] == pytest.approx(expected.bmd, rel=1e-6)


def test_the_metrics_are_those_of_the_table(bundle, validated):
    result = read_json(validated / EVALUATION)["targets"]["dxa"]
    table = pd.read_csv(validated / PREDICTIONS, sep="\t")
    table = table[table["target"] == "dxa"]
    truth, read = table["bmd_true"].to_numpy(), table["bmd_pred"].to_numpy()
    assert result["metrics"]["pcc"]["value"] == pytest.approx(pcc(truth, read), rel=1e-6)
    assert result["metrics"]["mae"]["value"] == pytest.approx(mae(truth, read), rel=1e-6)
    assert result["metrics"]["bias"]["value"] == pytest.approx(-OFFSET, abs=1e-9)
    inside = read_bundle(bundle).held_out["dxa"]["pcc"]["value"]
    assert result["drop"] == pytest.approx(inside - pcc(truth, read), rel=1e-6)
    assert result["n_flagged"] == table["flags"].notna().sum()


def test_a_bundle_without_an_interval_claims_none(bundle, validated):
    limits = read_bundle(bundle).targets["dxa"]
    result = read_json(validated / EVALUATION)["targets"]["dxa"]
    assert (result["interval"] is None) == (limits.half_width is None)


def test_what_nobody_knows_is_not_judged(validated):
    assert list(read_json(validated / EVALUATION)["targets"]) == ["dxa"]


def test_the_page_names_cohort_device_and_virtual_training(validated):
    text = (validated / PAGE).read_text(encoding="utf-8")
    assert "on cohort other" in text
    assert "Another-B" in text
    assert text.startswith("**Virtual subjects")
    for picture_name in ("scatter_dxa.png", "bland_altman_dxa.png"):
        assert (validated / picture_name).is_file()
        assert picture_name in text


def test_it_is_recorded_for_comparison(hospital, validated):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{hospital}/results/mlflow.db")
    experiment = client.get_experiment_by_name("validation/other")
    (run,) = client.search_runs([experiment.experiment_id])
    expected = read_json(validated / EVALUATION)["targets"]["dxa"]
    assert run.data.metrics["dxa_pcc"] == pytest.approx(expected["metrics"]["pcc"]["value"])
    assert run.data.metrics["dxa_pcc_drop"] == pytest.approx(expected["drop"])


def test_what_cannot_be_used_is_told_and_the_rest_goes_on(bundle, hospital, tmp_path, capsys):
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"no DICOM at all" * 20)
    for name in ("subjects.tsv", "radiographs.tsv"):
        table = pd.read_csv(hospital / name, sep="\t", dtype=str)
        if "path" in table:
            table.loc[0, "path"] = str(broken)
        table.to_csv(tmp_path / name, sep="\t", index=False)
    config = yaml.safe_load((hospital / "config.yaml").read_text())
    config["cohort"]["tables"] = str(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    out = tmp_path / "out"
    assert command("validate", bundle, tmp_path / "config.yaml", "--out", out) == 2
    assert "X0/standing  cannot be used: E_" in capsys.readouterr().err
    record = read_json(out / EVALUATION)
    assert [case["case"] for case in record["refused"]] == ["X0/standing"]
    assert record["targets"]["dxa"]["n_cases"] == len(PEOPLE) * len(NAMES) - 1


def test_a_cohort_that_serves_stage_one_alone_is_refused(bundle, hospital, tmp_path, capsys):
    subjects = pd.read_csv(hospital / "subjects.tsv", sep="\t").assign(dataset="A")
    subjects.to_csv(tmp_path / "subjects.tsv", sep="\t", index=False)
    (tmp_path / "radiographs.tsv").write_bytes((hospital / "radiographs.tsv").read_bytes())
    config = yaml.safe_load((hospital / "config.yaml").read_text())
    config["cohort"]["tables"] = str(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    out = tmp_path / "out"
    assert command("validate", bundle, tmp_path / "config.yaml", "--out", out) == 2
    assert "no subject with a radiograph" in capsys.readouterr().err
    assert not out.exists()
