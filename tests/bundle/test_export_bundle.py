"""A bundle holds all that it needs, nothing of a subject, and notices a change."""

import math
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from bmdpipe.core.atomic import read_json
from bmdpipe.core.errors import UsageError
from bmdpipe.report.bundle.export import export, target_limits
from bmdpipe.report.bundle.files import BUNDLE, CARD, read_bundle
from bmdpipe.report.bundle.members import load_members
from bmdpipe.report.bundle.predict import predict
from bmdpipe.report.bundle.sources import find_sources
from tests.training.made_up_cohort import SUBJECTS


def test_a_bundle_is_enough(finished, bundle, tmp_path):
    """Moved elsewhere, away from the results, it says the same."""
    moved = tmp_path / "elsewhere"
    for path in bundle.rglob("*"):
        if path.is_file():
            target = moved / path.relative_to(bundle)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    path = finished.dicom["S2", "standing"]
    here, there = (
        next(predict(read_bundle(folder), [path], ["R"], "cpu")).hips[0]
        for folder in (bundle, moved)
    )
    assert here.estimates == there.estimates


def test_nothing_is_a_pickle_and_no_subject_is_named(finished, tmp_path):
    finished.export("regression", tmp_path / "b")
    files = [path for path in (tmp_path / "b").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".md", ".safetensors"}
    for path in files:
        content = path.read_bytes()
        assert not any(f'"{subject}"'.encode() in content for subject in SUBJECTS)
    trained = read_json(tmp_path / "b" / "models/fold0/decomposition/model.json")
    assert trained["n_subjects"] > 1


def test_limits_are_those_of_the_held_out_errors(finished):
    sources = find_sources(finished.results, "c", "decomposition")
    limits = target_limits(sources, "qct")
    rows = [row for row in sources.predictions if row.target == "qct"]
    errors = [abs(row.bmd_pred - row.bmd_true) for row in rows]
    # Five subjects cannot calibrate 90 %: that takes nine.
    assert len({row.subject for row in rows}) == 5
    assert limits.half_width is None
    assert limits.disagreement == pytest.approx(max(errors))
    # At 60 % the pooled quantile lies among the errors: each subject weighs 1/6, its cases alike.
    config = sources.evaluation_config.model_copy(update={"interval_coverage": 0.6})
    known = target_limits(type(sources)(**{**vars(sources), "evaluation_config": config}), "qct")
    count = {r.subject: sum(o.subject == r.subject for o in rows) for r in rows}
    reached, expected = 0.0, math.inf
    for error, row in sorted(zip(errors, rows, strict=True), key=lambda pair: pair[0]):
        reached += 1 / 6 / count[row.subject]
        if reached >= 0.6 - 1e-12:
            expected = error
            break
    assert known.half_width == pytest.approx(expected)


def test_the_card_says_first_that_subjects_are_virtual(bundle):
    card = (bundle / CARD).read_text()
    assert "virtual subjects" in card.splitlines()[0]
    for word in ("Not a medical device", "Intended use", "c0ffee", "standing, supine", "&"):
        assert (word in card) == (word != "&")  # nothing is escaped as in HTML
    sections = [line for line in card.splitlines() if line.startswith("## ")]
    assert len(sections) == 7


def test_a_card_of_patients_does_not_say_virtual(finished, tmp_path):
    copy = tmp_path / "results"
    shutil.copytree(finished.results, copy)
    path = copy / "c" / "summary.json"
    path.write_text(path.read_text().replace('"virtual": true', '"virtual": false'))
    export(copy, "c", "decomposition", tmp_path / "b")
    assert "virtual" not in (tmp_path / "b" / CARD).read_text()


@pytest.mark.parametrize("name", ["domain.safetensors", "models/fold1/projection_fit.json"])
def test_a_changed_or_missing_file_is_noticed(finished, tmp_path, name):
    finished.export("decomposition", tmp_path / "b")
    path = tmp_path / "b" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UsageError, match="has changed"):
        read_bundle(tmp_path / "b")
    path.unlink()
    with pytest.raises(UsageError, match="missing"):
        read_bundle(tmp_path / "b")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no bundle"):
        read_bundle(tmp_path)
    (tmp_path / BUNDLE).write_text("{")
    with pytest.raises(UsageError, match="no JSON"):
        read_bundle(tmp_path)
    (tmp_path / BUNDLE).write_text('{"format": "other"}')
    with pytest.raises(UsageError, match="format"):
        read_bundle(tmp_path)


def test_what_cannot_be_exported_is_told(finished, tmp_path):
    with pytest.raises(UsageError, match="there are: conventional, decomposition, regression"):
        finished.export("none", tmp_path / "b")
    with pytest.raises(UsageError, match="conventional"):
        finished.export("conventional", tmp_path / "b")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="not empty"):
        finished.export("decomposition", tmp_path / "full")
    assert not (tmp_path / "b").exists()


@pytest.mark.skipif(find_spec("onnx") is not None, reason="onnx is installed")
def test_onnx_that_is_not_installed_is_named(finished, tmp_path):
    with pytest.raises(UsageError, match=r"bmdpipe\[onnx\]"):
        finished.export("decomposition", tmp_path / "b", onnx=True)


@pytest.mark.filterwarnings("ignore")  # the exporter's own, of libraries that are not ours
def test_onnx_says_what_torch_says(finished, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    written = finished.export("regression", tmp_path / "b", onnx=True)
    member = load_members(read_bundle(tmp_path / "b"))[0]
    width, height = written.size_px
    image = np.random.default_rng(0).random((1, 1, height, width)).astype(np.float32)
    networks = {"decomposition": member.decomposition, **member.regressions}
    for name, trained in networks.items():
        session = runtime.InferenceSession(tmp_path / "b" / f"onnx/fold0_{name}.onnx")
        (found,) = session.run(None, {"attenuation": image})
        with torch.inference_mode():
            expected = trained(torch.from_numpy(image)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
