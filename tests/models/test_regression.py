import torch

from bmdpipe.models.attention import RelativeAttention
from bmdpipe.models.registry import build
from bmdpipe.models.regression import RegressionHead, RegressionNetwork


def test_the_relative_bias_depends_on_the_offset_alone():
    """Written out as a loop over token pairs."""
    attention = RelativeAttention(in_dim=8, dim=8, head_dim=4, grid=(3, 2))
    found = attention.bias[:, attention.offset]
    tokens = [(y, x) for y in range(3) for x in range(2)]
    seen: dict[tuple[int, int], torch.Tensor] = {}
    for i, (yi, xi) in enumerate(tokens):
        for j, (yj, xj) in enumerate(tokens):
            value = seen.setdefault((yi - yj, xi - xj), found[:, i, j])
            assert torch.equal(value, found[:, i, j])
    assert len(seen) == 5 * 3


def test_attention_is_the_plain_formula():
    torch.manual_seed(0)
    attention = RelativeAttention(in_dim=8, dim=8, head_dim=4, grid=(2, 2))
    tokens = torch.randn(1, 4, 8)
    q, k, v = attention.qkv(tokens)[0].split(8, dim=1)
    parts = []
    for head in range(2):
        s = slice(4 * head, 4 * head + 4)
        logits = q[:, s] @ k[:, s].T / 2.0 + attention.bias[head][attention.offset]
        parts.append(logits.softmax(dim=1) @ v[:, s])
    torch.testing.assert_close(attention(tokens)[0], attention.out(torch.cat(parts, dim=1)))


def test_head_at_odd_grids_and_gradients():
    torch.manual_seed(0)
    head = RegressionHead(6, grid=(7, 5), dims=(8, 16), depths=(2, 1), head_dim=4)
    value = head(torch.randn(3, 6, 7, 5))
    assert value.shape == (3,)
    value.sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in head.parameters())


def test_the_network_takes_the_encoder_over_itself():
    generator = build("resnet_tiny", "generator")
    head = RegressionHead(32, grid=(8, 4), dims=(8, 8), depths=(1, 1), head_dim=4)
    network = RegressionNetwork(generator, head)
    assert network.encoder is generator.encoder
    assert not any(name.startswith("decoder") for name in network.state_dict())
    image = torch.randn(1, 1, 32, 16)
    torch.testing.assert_close(network(image), head(generator.encode(image)))
