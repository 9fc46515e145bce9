import torch

from bmdpipe.models.discriminator import MultiScaleDiscriminator


def test_scales_layers_and_channels():
    network = MultiScaleDiscriminator(scales=3, filters=64, layers=3)
    image = torch.zeros(1, 1, 128, 64)
    with torch.inference_mode():
        features = network(image, image)
    assert [[layer.shape[1] for layer in scale] for scale in features] == [
        [64, 128, 256, 512, 1]
    ] * 3
    # pix2pixHD pads 2 pixels: n -> n // 2 + 1 at stride 2 and n + 1 at stride 1.
    assert [tuple(layer.shape[2:]) for layer in features[0]] == [
        (65, 33),
        (33, 17),
        (17, 9),
        (18, 10),
        (19, 11),
    ]
    assert features[1][0].shape[2:] == (33, 17)


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    network = MultiScaleDiscriminator(scales=2, filters=4, layers=2)
    a, b = torch.randn(2, 1, 32, 16), torch.randn(2, 1, 32, 16)
    sum(layer.square().mean() for scale in network(a, b) for layer in scale).backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_it_sees_radiograph_and_projection():
    torch.manual_seed(0)
    network = MultiScaleDiscriminator(scales=1, filters=4, layers=1)
    a, b = torch.randn(1, 1, 16, 16), torch.randn(1, 1, 16, 16)
    with torch.inference_mode():
        assert not torch.equal(network(a, b)[0][-1], network(b, a)[0][-1])
