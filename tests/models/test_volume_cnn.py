"""The volume network: its logits are the sum of its evidence, which is of what differs."""

from __future__ import annotations

import torch
from torch import Tensor

from bmdpipe.explain.gradcam import grad_cam
from bmdpipe.explain.question import Chosen, Question
from bmdpipe.models.registry import MODELS
from bmdpipe.models.volume_cnn import VolumeCnn


def network() -> tuple[VolumeCnn, Tensor]:
    torch.manual_seed(0)
    made = VolumeCnn(((4,), (6,)), cells=4)
    volumes = torch.randn(16, 1, 8, 12, 8)
    for _ in range(60):
        made.train()(volumes)
    with torch.no_grad():
        made.evidence.weight.normal_()
        made.evidence.bias.normal_()
    return made.eval(), volumes


def test_grad_cam_is_the_evidence_for_the_class() -> None:
    made, volumes = network()
    assert MODELS["volume_cnn"].layer == MODELS["volume_cnn_small"].layer == "evidence"
    asked = Question(made, "evidence", volumes[:3], Chosen(torch.tensor([1, 0, 1])))
    evidence = asked.response.features
    expected = torch.stack([evidence[0, 1], evidence[1, 0], evidence[2, 1]]).relu()
    torch.testing.assert_close(grad_cam(asked.response), expected)
    logits = evidence.flatten(2).sum(dim=2) + made.evidence.bias
    torch.testing.assert_close(made(volumes[:3]), logits)


def test_the_mean_subject_has_no_evidence() -> None:
    """What all heads have in common must not show, wherever it is."""
    made, volumes = network()
    asked = Question(made, "evidence", volumes, Chosen(torch.zeros(16, dtype=torch.long)))
    evidence = asked.response.features
    assert float(evidence.mean(dim=0).abs().max()) < 0.02 * float(evidence.abs().max())


def test_each_place_has_weights_of_its_own() -> None:
    made, _ = network()
    maps = torch.randn(1, 6, 4, 4, 4)
    moved = made.evidence(maps.roll(1, dims=2))
    assert not torch.allclose(moved, made.evidence(maps).roll(1, dims=2))
