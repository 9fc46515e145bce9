"""Stage three for small cohorts: it starts at the decomposition's reading and corrects it."""

import numpy as np
import pytest
import torch

from bmdpipe.models.projection_regression import ProjectionRegression
from bmdpipe.training.data import with_values
from bmdpipe.training.prediction import project_images
from bmdpipe.training.projection_fit import fit_known_projections
from bmdpipe.training.saved import (
    load_decomposition,
    load_regression,
    new_generator,
    save_decomposition,
    save_regression,
)
from bmdpipe.training.stages import decompose, regress_on_projection

CPU = torch.device("cpu")


@pytest.fixture
def decomposed(fold, decomposer, pairs_config, config, tmp_path):
    """A fold's stage two on disk, with the fit of its true projections and its cases' values."""
    pairs, bmd = fold
    trained, judge, _ = decompose(
        "stage_two", pairs, "pf", 6, decomposer, pairs_config, config, tmp_path / "s"
    )
    save_decomposition(tmp_path / "d", trained, judge, "pf", bmd)
    data = with_values(pairs, pairs.images["radiograph"], bmd)
    return tmp_path / "d", fit_known_projections(pairs, "pf", bmd), data


def _trained(decomposed, pairs_config, config, state, **changes):
    folder, fit, data = decomposed
    config = config.model_copy(update={"regression": config.regression.model_copy(update=changes)})
    return regress_on_projection(data, folder, fit, pairs_config, config, state)


def test_untrained_it_says_what_the_decomposition_reads(
    decomposed, fold, pairs_config, config, tmp_path
):
    folder, fit, _ = decomposed
    model, _, history = _trained(decomposed, pairs_config, config, tmp_path / "r", frozen_epochs=0)
    radiographs = fold[0].images["radiograph"]
    read = fit.bmd(project_images(load_decomposition(folder), radiographs, CPU))
    found = model(torch.from_numpy(radiographs)[:, None]).detach().numpy()
    assert history == []
    np.testing.assert_allclose(found, read, rtol=1e-4)


def test_training_moves_the_correction_and_nothing_of_the_generator(
    decomposed, pairs_config, config, tmp_path
):
    folder, _, _ = decomposed
    model, _, history = _trained(decomposed, pairs_config, config, tmp_path / "r", frozen_epochs=30)
    network = model.network
    before = load_decomposition(folder).generator
    for name, part in (("encoder", before.encoder), ("decoder", before.decoder)):
        for key, tensor in part.state_dict().items():
            assert torch.equal(network.get_submodule(name).state_dict()[key], tensor), key
    assert network.gain.item() != 1.0
    assert network.value.weight.abs().max() > 0
    assert len(history) == 30
    assert np.mean([row["mae"] for row in history[-5:]]) < history[0]["mae"]


def test_the_correction_weighs_positions_by_the_projection():
    """What lies where no bone is projected cannot change the value."""
    generator = new_generator("resnet_tiny")
    network = ProjectionRegression(generator, 1000.0).eval()
    torch.nn.init.ones_(network.value.weight)
    torch.manual_seed(0)
    representation = torch.randn(1, generator.representation_channels, 8, 4)
    density = torch.zeros(1, 1, 32, 16)
    density[..., 8:16, 4:8] = 0.5
    network.encoder = torch.nn.Identity()
    network.decoder = _Fixed(density)
    network.read_by(100.0, 0.0, 0.0)
    first = network(representation)
    elsewhere = representation.clone()
    elsewhere[..., :2, :] += 3.0
    torch.testing.assert_close(network(elsewhere), first)
    within = representation.clone()
    within[:, 0, 2:4, 1] += 3.0
    assert not torch.allclose(network(within), first)


class _Fixed(torch.nn.Module):
    """Gives the same projection whatever it gets."""

    def __init__(self, image):
        super().__init__()
        self.image = image

    def forward(self, representation):
        return self.image.expand(len(representation), -1, -1, -1)


def test_it_gives_the_same_when_loaded(decomposed, fold, pairs_config, config, tmp_path):
    model, backbone, _ = _trained(decomposed, pairs_config, config, tmp_path / "r", frozen_epochs=3)
    head, size = config.regression.head, pairs_config.size_px
    save_regression(tmp_path / "x", model, head, backbone, size, "dxa", fold[1])
    images = torch.from_numpy(fold[0].images["radiograph"])[:, None]
    again = load_regression(tmp_path / "x")
    assert isinstance(again.network, ProjectionRegression)
    torch.testing.assert_close(again(images), model(images), rtol=1e-4, atol=1e-5)
