"""Checkpoints come back bit for bit, and a wrong or damaged one is refused with its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.checkpoints import (
    load_state,
    load_weights,
    save_state,
    save_weights,
)
from bmdpipe.core.errors import UsageError

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(tree=trees)
def test_any_nesting_comes_back(tree: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("state") / "state.safetensors"
    save_state(path, {"tree": tree})
    assert load_state(path) == {"tree": tree}


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_tensors_come_back(dtype: torch.dtype, shape: tuple[int, ...], tmp_path: Path) -> None:
    tensor = (torch.rand(shape) * 5).to(dtype)
    save_state(tmp_path / "s", {"a": [tensor, {"b": tensor}], 3: np.arange(4).reshape(2, 2).T})
    back = load_state(tmp_path / "s")
    assert back["a"][0].dtype == dtype
    assert torch.equal(back["a"][0], tensor)
    assert torch.equal(back["a"][1]["b"], tensor)
    np.testing.assert_array_equal(back[3], [[0, 2], [1, 3]])


def test_nan_comes_back(tmp_path: Path) -> None:
    save_state(tmp_path / "s", {"nan": float("nan"), "best": float("-inf")})
    back = load_state(tmp_path / "s")
    assert np.isnan(back["nan"])
    assert back["best"] == float("-inf")


def test_what_cannot_be_saved_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="/a/1: a set"):
        save_state(tmp_path / "s", {"a": [1, {2}]})


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        torch.manual_seed(0)
        save_weights(tmp_path / name, torch.nn.Linear(3, 4), {"b": 1, "a": [2]})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def train(net: torch.nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        optimiser.zero_grad()
        net(torch.full((2, 3), float(step))).square().sum().backward()
        optimiser.step()


def fresh() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    return net, torch.optim.AdamW(net.parameters(), lr=0.01)


def test_optimiser_resumes_bit_equal(tmp_path: Path) -> None:
    whole, optimiser = fresh()
    train(whole, optimiser, range(6))
    first, optimiser = fresh()
    train(first, optimiser, range(3))
    save_state(tmp_path / "s", {"net": first.state_dict(), "optimiser": optimiser.state_dict()})
    second, optimiser = fresh()
    state = load_state(tmp_path / "s")
    second.load_state_dict(state["net"])
    optimiser.load_state_dict(state["optimiser"])
    train(second, optimiser, range(3, 6))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])


def test_weights_come_back(tmp_path: Path) -> None:
    saved, loaded = torch.nn.Linear(3, 4), torch.nn.Linear(3, 4)
    save_weights(tmp_path / "w", saved, {"kind": "linear"})
    assert load_weights(tmp_path / "w", loaded, expect={"kind": "linear"}) == {"kind": "linear"}
    assert torch.equal(saved.weight, loaded.weight)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (torch.nn.Linear(3, 5), r"'weight' is \(4, 3\) in the file and \(5, 3\) in the model"),
        (torch.nn.Linear(3, 4, bias=False), "the model has no 'bias'"),
        (torch.nn.Sequential(torch.nn.Linear(3, 4)), "it has no '0.bias'"),
    ],
)
def test_weights_of_another_model_are_refused(
    module: torch.nn.Module, reason: str, tmp_path: Path
) -> None:
    save_weights(tmp_path / "w", torch.nn.Linear(3, 4), {})
    with pytest.raises(UsageError, match=reason):
        load_weights(tmp_path / "w", module)


def test_weights_of_another_config_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "w", torch.nn.Linear(3, 4), {"window_hu": [-150, 350]})
    with pytest.raises(UsageError, match="another window_hu"):
        load_weights(tmp_path / "w", torch.nn.Linear(3, 4), expect={"window_hu": [-100, 350]})


def test_weights_are_not_a_state(tmp_path: Path) -> None:
    save_weights(tmp_path / "w", torch.nn.Linear(3, 4), {})
    with pytest.raises(UsageError, match="not the state of a training"):
        load_state(tmp_path / "w")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_state(tmp_path / "none")


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_truncated_file_is_refused(keep: int, tmp_path: Path) -> None:
    save_state(tmp_path / "s", {"a": torch.ones(20)})
    (tmp_path / "s").write_bytes((tmp_path / "s").read_bytes()[:keep])
    with pytest.raises(UsageError, match="damaged"):
        load_state(tmp_path / "s")


def test_any_changed_bit_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "s", {"a": torch.ones(3)})
    whole = (tmp_path / "s").read_bytes()
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 1
        (tmp_path / "s").write_bytes(content)
        with pytest.raises(UsageError):
            load_state(tmp_path / "s")


def test_keys_that_look_alike_stay_apart(tmp_path: Path) -> None:
    save_state(tmp_path / "s", {1: torch.zeros(1), "1": torch.ones(1)})
    back = load_state(tmp_path / "s")
    assert (back[1].item(), back["1"].item()) == (0, 1)


def test_foreign_safetensors_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "s")
    with pytest.raises(UsageError, match="not written by bmdpipe"):
        load_state(tmp_path / "s")
