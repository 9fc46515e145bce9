from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bmdpipe.cli.networks import export_network
from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.core.errors import UsageError
from bmdpipe.core.layout import Layout
from bmdpipe.segmentation.networks import build
from bmdpipe.segmentation.saved import restore, save

SMALL = SegmentationNetwork(depth=2, base_filters=4, matrix_px=(32, 32))
CODE = "HIP-0042"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A run's network and quality line, both of which name a subject."""
    layout = Layout(str(tmp_path / "results"), "mine")
    trained = Path(layout.at("segment_train", fold=1))
    quality = Path(layout.at("segment_quality", fold=1))
    trained.mkdir(parents=True)
    quality.mkdir(parents=True)
    model = save(trained / "weights.safetensors", build(SMALL, 3, seed=4), SMALL)
    model |= {"trained_on": [CODE], "trained_on_ct": ["a1b2"], "held_out": []}
    (trained / "model.json").write_text(json.dumps(model))
    (trained / "manifest.json").write_text(json.dumps({"stage": "segment_train"}))
    points = {"pelvis": [{"subject": CODE, "dice": 0.9, "variance": 0.1, "worsened": 0.0}]}
    fitted = {"fitted_on": "held-out subjects", "lines": {"pelvis": {"slope": -1}}}
    (quality / "quality.json").write_text(json.dumps(fitted | {"points": points}))
    return tmp_path / "results"


def test_the_folder_restores_the_network_and_names_no_subject(
    results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "network"
    assert str(out) in export_network(results, "mine", 1, out)
    model = json.loads((out / "model.json").read_text())
    again, network = restore(out / "weights.safetensors", model)
    assert network == SMALL
    for own, other in zip(build(SMALL, 3, seed=4).parameters(), again.parameters(), strict=True):
        assert torch.equal(own, other)
    assert (model["n_trained_on"], model["n_held_out"]) == (1, 0)
    assert model["trained_on_ct"] == ["a1b2"]
    assert json.loads((out / "quality.json").read_text())["lines"] == {"pelvis": {"slope": -1}}
    assert not any(CODE.encode() in path.read_bytes() for path in out.iterdir())


def test_what_is_missing_or_in_the_way_is_told(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="segment_quality first"):
        export_network(results, "mine", 0, tmp_path / "network")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        export_network(results, "mine", 1, tmp_path / "full")
