"""The full-size networks beside what their authors published and what other libraries built.

Counts need no memory (meta device). Outputs are compared with shared weights where timm or
transformers is installed (`pip install -e '.[peers]'`), with group in place of batch normalisation
on both sides.
"""

import importlib
from functools import cache
from itertools import chain, pairwise

import pytest
import torch
from torch import nn

from bmdpipe.models.mix_transformer import MixTransformer
from bmdpipe.models.normalisation import group_norm
from bmdpipe.models.registry import MODELS, build

FULL_SIZE = ("resnet", "hrnet", "daformer", "hrformer")


@cache
def _on_meta(name):
    with torch.device("meta"):
        return build(name, MODELS[name].kind)


def _count(module):
    return sum(p.numel() for p in module.parameters())


def _colour(first_convolution):
    """The weights that three input channels have beyond our one."""
    return 2 * first_convolution.weight.numel()


@pytest.mark.parametrize("name", FULL_SIZE)
def test_the_full_size_generators_take_the_papers_images(name):
    """256 x 512 (Gu 2023 §3.1), and a representation of a quarter of that (§3.3)."""
    network = _on_meta(name)
    image = torch.zeros(2, 1, 512, 256, device="meta")
    representation = network.encode(image)
    assert representation.shape == (2, network.representation_channels, 128, 64)
    assert network.decode(representation).shape == image.shape


@pytest.mark.parametrize("kind", FULL_SIZE)
def test_small_is_smaller_and_tiny_smaller_still(kind):
    sizes = [_count(_on_meta(name)) for name in (kind, f"{kind}_small", f"{kind}_tiny")]
    assert sizes[0] > 5 * sizes[1] > 25 * sizes[2]


def test_hrnetv2_w48_has_the_published_size():
    """65.9 M with the 1x1 convolution and the classifier of 19 classes (Wang 2021, Cityscapes)."""
    encoder = _on_meta("hrnet").encoder
    channels = 48 + 96 + 192 + 384
    head = channels * channels + channels + 2 * channels + 19 * channels + 19
    assert _count(encoder) + _colour(encoder.stem[0][0]) + head == pytest.approx(
        65.86e6, abs=0.05e6
    )


def test_mit_b5_and_daformers_fusion_have_the_published_sizes():
    """Encoder 81.4 M (Xie 2021); fusion with its classifier 3.7 M (Hoyer 2022)."""
    transformer, fusion = _on_meta("daformer").encoder
    first = transformer.levels[0][0].proj
    assert _count(transformer) + _colour(first) == pytest.approx(81.4e6, abs=0.05e6)
    assert _count(fusion) + 19 * 256 + 19 == pytest.approx(3.7e6, abs=0.05e6)


def test_mit_b0_has_the_published_size():
    """3.4 M (Xie 2021)."""
    transformer, _ = _on_meta("daformer_small").encoder
    found = _count(transformer) + _colour(transformer.levels[0][0].proj)
    assert found == pytest.approx(3.4e6, abs=0.1e6)


@pytest.mark.parametrize(("name", "millions"), [("hrformer", 50.3), ("hrformer_small", 13.5)])
def test_hrformer_with_its_classification_head_has_the_published_size(name, millions):
    """50.3 M and 13.5 M (Yuan 2021, ImageNet): four bottlenecks with depth-wise convolutions to
    128, 256, 512 and 1024 channels, three depth-wise separable halvings, 2048 channels, 1000
    classes."""
    encoder = _on_meta(name).encoder
    branches = [
        block[0].norm_feed.weight.numel()
        for block in encoder.stages[-1].modules_in_turn[-1].branches
    ]
    head = 1024 * 2048 + 2048 + 2 * 2048 + 2048 * 1000 + 1000
    wide = [128, 256, 512, 1024]
    for channels, out in zip(branches, wide, strict=True):
        narrow = out // 4
        head += channels * narrow + 9 * narrow + narrow * out + channels * out
        head += 2 * (narrow + narrow + out + out)
    for before, after in pairwise(wide):
        head += 9 * before + before + 2 * before + before * after + after + 2 * after
    found = _count(encoder) + _colour(encoder.stem[0][0]) + head
    assert found == pytest.approx(millions * 1e6, abs=0.05e6)


def test_hrformer_b_for_pose_has_the_published_size():
    """43.2 M (Yuan 2021, COCO key points): the finest branch alone, 17 joints."""
    encoder = _on_meta("hrformer").encoder
    last = encoder.stages[-1].modules_in_turn[-1]
    unused = sum(_count(paths) for paths in last.exchange.targets[1:])
    found = _count(encoder) + _colour(encoder.stem[0][0]) - unused + 17 * 78 + 17
    assert found == pytest.approx(43.2e6, abs=0.05e6)


def test_vgg16s_convolutions_have_the_published_size():
    """14,710,464 weights in VGG16's thirteen convolutions of three-channel images."""
    network = _on_meta("vgg16")
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    found = sum(_count(m) for m in convolutions) + _colour(convolutions[0])
    assert (len(convolutions), found) == (13, 14_710_464)


def _peer(module):
    """Another library, or a skip. A torchvision of another build than torch lacks the schema of
    its compiled operators, without which it does not even import; no network here calls them."""
    try:
        return importlib.import_module(module)
    except ImportError:
        pytest.skip(f"{module} is not installed")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module(module)


def _with_group_norm(network):
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(network, name, group_norm(child.num_features))
        else:
            _with_group_norm(child)
    return network


def _randomise(network):
    """Other weights than the initial ones, so that no scale of a normalisation is 1."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        noise = torch.rand(parameter.shape, generator=generator) - 0.5
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
        parameter.data = noise * (12 / fan_in) ** 0.5 + (parameter.ndim == 1) * 0.5
    return network


def _take_over(ours, theirs):
    """Weights in order of their definition, each of the same shape."""
    own, other = list(ours.parameters()), list(theirs)
    assert [tuple(p.shape) for p in own] == [tuple(p.shape) for p in other]
    for parameter, weights in zip(own, other, strict=True):
        parameter.data = weights.data.clone()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "peer"), [("hrnet", "hrnet_w48"), ("hrnet_small", "hrnet_w18_small_v2")]
)
def test_hrnets_branches_are_timms(name, peer):
    timm = _peer("timm")
    theirs = _with_group_norm(timm.create_model(peer, in_chans=1, pretrained=False)).eval()
    _randomise(theirs)
    ours = build(name, "generator").encoder.eval()
    parts = (theirs.conv1, theirs.bn1, theirs.conv2, theirs.bn2, theirs.layer1)
    parts += (theirs.transition1, theirs.stage2, theirs.transition2, theirs.stage3)
    parts += (theirs.transition3, theirs.stage4)
    _take_over(ours, chain.from_iterable(part.parameters() for part in parts))
    image = torch.randn(1, 1, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        stem = theirs.act2(theirs.bn2(theirs.conv2(theirs.act1(theirs.bn1(theirs.conv1(image))))))
        for mine, other in zip(ours.branches(image), theirs.stages(stem), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def _mit_weights(theirs):
    """transformers' parameters in the order of ours: keys and values in one matrix."""
    for stage in theirs.stages:
        yield from stage.patch_embeddings.parameters()
        for block in stage.blocks:
            attention = block.attention
            yield from block.layernorm_before.parameters()
            yield from attention.q_proj.parameters()
            for kind in ("weight", "bias"):
                yield torch.cat([getattr(p, kind) for p in (attention.k_proj, attention.v_proj)])
            yield from attention.o_proj.parameters()
            if hasattr(attention, "sequence_reduction"):
                yield from attention.sequence_reduction.parameters()
            yield from block.layernorm_after.parameters()
            yield from block.mlp.parameters()
        yield from stage.layer_norm.parameters()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["daformer", "daformer_small"])
def test_the_mix_transformers_levels_are_transformers(name):
    _peer("timm")  # which declares what transformers needs of torchvision
    transformers = _peer("transformers")
    sizes = MODELS[name].sizes
    config = transformers.SegformerConfig(
        num_channels=1,
        depths=list(sizes["depths"]),
        hidden_sizes=list(sizes["dims"]),
        num_attention_heads=list(sizes["heads"]),
        layer_norm_eps=1e-6,
    )
    theirs = transformers.SegformerModel(config).eval()
    # transformers leaves the epsilon at torch's 1e-5 in every layer normalisation.
    for module in theirs.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    _randomise(theirs)
    ours = MixTransformer(sizes["dims"], sizes["depths"], sizes["heads"], 0.0).eval()
    _take_over(ours, _mit_weights(theirs))
    image = torch.randn(1, 1, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        levels = theirs(image, output_hidden_states=True).hidden_states
        for mine, other in zip(ours(image), levels, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)
