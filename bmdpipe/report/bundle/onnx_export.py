"""A bundle's networks as ONNX, for programs without torch.

Each graph takes the attenuation of one hip `[1, 1, h, w]` as the pairs hold it, normalisation
included, and gives its projection `[1, 1, h, w]` or BMD `[1]` in its unit. Threshold and line
stay in `projection_fit.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.errors import UsageError
from bmdpipe.report.bundle.files import Bundle
from bmdpipe.report.bundle.members import load_members
from bmdpipe.training.saved import Decomposition, Regression

ONNX = "onnx/fold{fold}_{name}.onnx"
NEEDS = ("onnx", "onnxscript")


class _Whole(nn.Module):
    """A network with its scales as one module."""

    def __init__(self, trained: Decomposition | Regression) -> None:
        super().__init__()
        self.network = trained.generator if isinstance(trained, Decomposition) else trained.network
        self.trained = trained

    def forward(self, attenuation: Tensor) -> Tensor:
        return self.trained(attenuation)


def check_installed() -> None:
    """Raises UsageError that names what to install."""
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} not installed; pip install 'bmdpipe[onnx]'")


def write_onnx(bundle: Bundle) -> list[Path]:
    """Write a graph per network of the bundle; returns the files."""
    width, height = bundle.size_px
    example = torch.full((1, 1, height, width), 0.5)
    written = []
    for name, trained in _networks(bundle):
        path = bundle.root / name
        # The fused kernels of attention leave strides that the exporter cannot follow.
        with sdpa_kernel(SDPBackend.MATH):
            program = torch.onnx.export(
                _Whole(trained).eval(),
                (example,),
                dynamo=True,
                verbose=False,
                input_names=["attenuation"],
                output_names=["projection" if isinstance(trained, Decomposition) else "bmd"],
            )
        assert program is not None
        with atomic_path(path) as part:
            program.save(part, external_data=False)
        written.append(path)
    return written


def _networks(bundle: Bundle) -> Iterator[tuple[str, Decomposition | Regression]]:
    for fold, member in zip(bundle.folds, load_members(bundle), strict=True):
        yield ONNX.format(fold=fold, name="decomposition"), member.decomposition
        for target, regression in member.regressions.items():
            yield ONNX.format(fold=fold, name=target), regression
