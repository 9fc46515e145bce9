"""After an edit exactly the rules run again that depend on what was edited."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.workflow

TAIL = {"summary", "report", "track"}
JUDGED = {"predict", "evaluate", "explain", *TAIL}
TRAINED = {"train_stage_one", "train_stage_two", "train_stage_three", "train_conventional"}
PAIRED = {"evaluate_stages", "pairs", *TRAINED, *JUDGED}
DENSE = {"roi", "register", "project", *PAIRED}


def test_nothing_is_to_be_done_after_a_run(finished):
    assert finished.to_run() == {}


@pytest.mark.parametrize(
    ("key", "rules"),
    [
        ("registration.derivative_sigma_px=1.5", {"register", "project", *PAIRED}),
        ("calibration.min_correlation=0.98", {"calibrate", *DENSE}),
        ("segmentation.prediction.part_share=0.06", {"segment_quality", "segment", *DENSE}),
        ("segmentation.quality.copies=1", {"segment_quality", "segment", *DENSE}),
        (
            "training.conventional.epochs=3",
            {"train_conventional", "predict", "evaluate", "explain", *TAIL},
        ),
        ("report.n_examples=1", {"report", "track"}),
        ("evaluation.bootstrap_samples=33", {"evaluate", "evaluate_stages", *TAIL}),
        ("tracking.artefacts=false", {"track"}),
        ("tracking.uri=http://127.0.0.1:5000", {"track"}),
        (
            "training.decomposition.optimiser.learning_rate=0.01",
            {"train_stage_one", "train_stage_two", "train_stage_three", *JUDGED},
        ),
        ("pairs.augmentation.rotation_deg=10", {"pairs", *TRAINED, *JUDGED}),
        ("folds.seed=1", {"folds", "segment_train", "segment_quality", "segment", *DENSE}),
        ("workflow.training_threads=2", set()),
        ("ct_bmd.training.epochs=3", set()),
    ],
)
def test_one_number_of_one_section(finished, key, rules):
    path, value = key.split("=")
    sections = path.split(".")
    text = "{" + sections[-1] + ": " + value + "}"
    for name in reversed(sections[1:-1]):
        text = "{" + name + ": " + text + "}"
    assert set(finished.to_run("--config", f"{sections[0]}={text}")) == rules


def test_a_library_module_reruns_what_imports_it(finished, edited):
    edited("bmdpipe/densitometry/calibration.py", "\n\n\ndef ", "\n\n\nEDITED = 1\n\n\ndef ")
    listed = finished.to_run()
    assert set(listed) == {"calibrate", *DENSE}
    assert "segment_train" not in listed


def test_a_backbone_reruns_only_the_trainings_that_use_it(finished, edited):
    edited("bmdpipe/models/resnet.py", "\n\n\nclass ", "\n\n\nEDITED = 1\n\n\nclass ")
    assert set(finished.to_run()) == {
        "train_stage_one",
        "train_stage_two",
        "train_stage_three",
        *JUDGED,
    }


@pytest.mark.parametrize(
    ("path", "old", "new", "rules"),
    [
        ("bmdpipe/densitometry/phantoms.py", "100", "101", {"calibrate", *DENSE}),
        ("bmdpipe/report/templates/cohort.html", "<h1>", "<h1>A ", {"report", "track"}),
        ("bmdpipe/evaluation/plots.py", "dpi=", "pad_inches=0, dpi=", {"evaluate", *TAIL}),
        ("workflow_scripts/predict.py", "int(", "int(0 + ", {"predict", "evaluate", *TAIL}),
        ("envs/bmdpipe.txt", "==", "==9", set()),
    ],
    ids=["phantom table", "report template", "figure code", "script", "version pin"],
)
def test_an_edit_of_one_file(finished, edited, path, old, new, rules):
    edited(path, old, new)
    assert set(finished.to_run()) == rules


@pytest.mark.parametrize(
    "opening", ['# a comment\n"""', '"""Changed. '], ids=["comment", "docstring"]
)
def test_a_comment_or_a_docstring_reruns_nothing(finished, edited, opening):
    edited("bmdpipe/densitometry/calibration.py", '"""', opening)
    assert finished.to_run() == {}


def test_reordered_yaml_and_a_new_time_stamp_rerun_nothing(finished):
    path = finished.root / "config" / "test.yaml"
    blocks = path.read_text().strip().split("\n\n")
    shuffled = finished.root / "shuffled.yaml"
    shuffled.write_text("\n\n".join(reversed(blocks)) + "\n")
    for script in (finished.root / "workflow_scripts").glob("*.py"):
        script.touch()
    assert finished.to_run(configfile="shuffled.yaml") == {}


def test_a_new_subject_reruns_no_other_subject_s_images(finished):
    """Its folds change, and with them all that is learned; what came before them stays."""
    listed = finished.to_run("--config", "virtual={n_subjects: 7}")
    assert {rule: n for rule, n in listed.items() if rule not in {*PAIRED, "folds"}} == {
        **dict.fromkeys(("simulate", "import_subject", "calibrate"), 1),
        **dict.fromkeys(("segment", "roi", "register", "project"), 7),
        "segment_train": 2,
        "segment_quality": 2,
    }
    assert set(listed) >= {"folds", *PAIRED}
