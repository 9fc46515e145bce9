"""Attention maps against captum, the formula and brute force."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from captum.attr import LayerActivation, LayerGradCam, LayerGradientXActivation
from torch import Tensor, nn

from bmdpipe.explain.gradcam import grad_cam, grad_cam_pp
from bmdpipe.explain.gradram import grad_ram, grad_ramp
from bmdpipe.explain.response import Response, at_layer, at_representation, one_number
from bmdpipe.explain.upsample import to_size


class Toy(nn.Module):
    """An encoder, a head that is not linear, one value per image."""

    def __init__(self, in_place: bool = False) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, stride=2), nn.Tanh(), nn.Conv2d(6, 5, 3, padding=1)
        )
        self.after = nn.ReLU(inplace=in_place)
        self.value = nn.Linear(5, 1)

    def head(self, features: Tensor) -> Tensor:
        pooled = (self.after(features) ** 2).mean(dim=(2, 3))
        return self.value(pooled).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x))


@pytest.fixture
def toy() -> Toy:
    torch.manual_seed(0)
    return Toy().double()


@pytest.fixture
def images() -> Tensor:
    return torch.randn(3, 1, 12, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_features_and_gradients_are_captums(toy: Toy, images: Tensor) -> None:
    response = at_layer(toy, toy.encoder, images)
    activation = LayerActivation(toy, toy.encoder).attribute(images)
    product = LayerGradientXActivation(toy, toy.encoder).attribute(images)
    torch.testing.assert_close(response.features, activation.detach())
    torch.testing.assert_close(response.features * response.gradient, product.detach())
    torch.testing.assert_close(response.output, toy(images).detach())


def test_grad_ram_is_the_size_of_captums_grad_cam(toy: Toy, images: Tensor) -> None:
    theirs = LayerGradCam(toy, toy.encoder).attribute(images)[:, 0].detach()
    torch.testing.assert_close(grad_ram(at_layer(toy, toy.encoder, images)), theirs.abs())


def test_grad_ramp_is_captums_summed_gradient_times_activation(toy: Toy, images: Tensor) -> None:
    theirs = LayerGradientXActivation(toy, toy.encoder).attribute(images).sum(dim=1).detach()
    torch.testing.assert_close(grad_ramp(at_layer(toy, toy.encoder, images)), theirs.abs())


def test_both_are_the_published_formula_pixel_by_pixel(toy: Toy, images: Tensor) -> None:
    response = at_layer(toy, toy.encoder, images)
    a, g = response.features, response.gradient
    n, channels, height, width = a.shape
    for i in range(n):
        alpha = [g[i, k].sum() / (height * width) for k in range(channels)]
        for y in range(height):
            for x in range(width):
                ram = abs(sum(alpha[k] * a[i, k, y, x] for k in range(channels)))
                ramp = abs(sum(g[i, k, y, x] * a[i, k, y, x] for k in range(channels)))
                assert grad_ram(response)[i, y, x] == pytest.approx(float(ram), abs=1e-12)
                assert grad_ramp(response)[i, y, x] == pytest.approx(float(ramp), abs=1e-12)


def test_the_gradient_is_the_finite_difference(toy: Toy, images: Tensor) -> None:
    response = at_representation(toy.encoder, toy.head, images[:1])
    step = 1e-6
    for place in ((0, 0, 0, 0), (0, 3, 2, 1), (0, 4, 5, 3)):
        moved = response.features.clone()
        moved[place] += step
        slope = (toy.head(moved).detach() - response.output) / step
        assert float(response.gradient[place]) == pytest.approx(float(slope), rel=1e-4, abs=1e-8)


def test_a_layer_and_the_representation_there_respond_alike(toy: Toy, images: Tensor) -> None:
    by_layer = at_layer(toy, toy.encoder, images)
    by_parts = at_representation(toy.encoder, toy.head, images)
    torch.testing.assert_close(by_layer.features, by_parts.features)
    torch.testing.assert_close(by_layer.gradient, by_parts.gradient)


def test_images_do_not_see_each_other(toy: Toy, images: Tensor) -> None:
    together = at_layer(toy, toy.encoder, images)
    alone = at_layer(toy, toy.encoder, images[1:2])
    torch.testing.assert_close(together.gradient[1:2], alone.gradient)


def test_a_frozen_model_and_a_layer_before_an_in_place_one_work(images: Tensor) -> None:
    torch.manual_seed(0)
    plain = Toy().double()
    in_place = Toy(in_place=True).double()
    in_place.load_state_dict(plain.state_dict())
    in_place.requires_grad_(False)
    first, second = (at_layer(m, m.encoder, images) for m in (plain, in_place))
    torch.testing.assert_close(first.features, second.features)
    torch.testing.assert_close(first.gradient, second.gradient)


@pytest.mark.parametrize("weigh", [grad_cam, grad_cam_pp, grad_ram, grad_ramp])
def test_maps_also_serve_volumes(weigh: Callable[[Response], Tensor]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv3d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 27, 1))
    response = at_layer(model, model[0], torch.randn(2, 1, 5, 5, 5))
    maps = weigh(response)
    assert maps.shape == (2, 3, 3, 3)
    assert (maps >= 0).all()
    assert to_size(maps, (5, 5, 5)).shape == (2, 5, 5, 5)


def test_upsampling_keeps_a_constant_map() -> None:
    assert torch.allclose(to_size(torch.full((1, 4, 3), 2.5), (16, 12)), torch.tensor(2.5))


def test_several_outputs_per_image_are_refused(images: Tensor) -> None:
    two = nn.Sequential(nn.Flatten(), nn.Linear(96, 2)).double()
    with pytest.raises(ValueError, match="one value per image"):
        at_layer(two, two[0], images)
    response = at_layer(two, two[0], images, output=lambda y: y[:, 1])
    assert response.output.shape == (3,)
    assert one_number(torch.zeros(3, 1)).shape == (3,)


def test_a_layer_that_runs_twice_or_never_is_refused(toy: Toy, images: Tensor) -> None:
    twice = nn.Sequential(toy.encoder[1], toy.encoder[1], nn.Flatten(), nn.Linear(96, 1).double())
    with pytest.raises(ValueError, match="ran 2 times"):
        at_layer(twice, twice[0], images)
    with pytest.raises(ValueError, match="ran 0 times"):
        at_layer(toy, nn.Tanh(), images)
