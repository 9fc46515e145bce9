"""Trained networks on disk: weights, and in model.json all that is needed to use them again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.checkpoints import load_weights, save_weights
from bmdpipe.core.config.training import DiscriminatorConfig, HeadConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import DISCRIMINATORS, MODEL, WEIGHTS
from bmdpipe.models.discriminator import MultiScaleDiscriminator
from bmdpipe.models.generator import Generator
from bmdpipe.models.projection_regression import ProjectionRegression
from bmdpipe.models.registry import build
from bmdpipe.models.regression import RegressionHead, RegressionNetwork
from bmdpipe.pairs.normalise import ImageScale, ValueScale

ON_PROJECTION = "projection"


@dataclass(frozen=True)
class Decomposition:
    """A trained decomposition: attenuation `[n, 1, h, w]` in, mg/cm2 out."""

    generator: Generator
    scale: ImageScale
    backbone: str
    size_px: tuple[int, int]

    def __call__(self, radiographs: Tensor) -> Tensor:
        made: Tensor = self.generator(self.scale.radiograph_in(radiographs))
        return self.scale.density_out(made).clamp(min=0)


@dataclass(frozen=True)
class Regression:
    """A trained regression: attenuation `[n, 1, h, w]` in, BMD `[n]` in the target's unit out."""

    network: nn.Module
    scale: ImageScale
    value_scale: ValueScale

    def __call__(self, images: Tensor) -> Tensor:
        value: Tensor = self.network(self.scale.radiograph_in(images))
        return self.value_scale.value_out(value)


def new_generator(backbone: str) -> Generator:
    """A generator with fresh weights; raises UsageError if there is none of this name."""
    generator = build(backbone, "generator")
    assert isinstance(generator, Generator)
    return generator


def new_discriminator(config: DiscriminatorConfig) -> MultiScaleDiscriminator:
    return MultiScaleDiscriminator(config.scales, config.filters, config.layers)


def new_regression(
    generator: Generator, size_px: tuple[int, int], config: HeadConfig
) -> RegressionNetwork:
    """A generator's encoder with a fresh head for images of this width and height."""
    grid = (size_px[1] // generator.stride, size_px[0] // generator.stride)
    head = RegressionHead(
        generator.representation_channels, grid, config.dims, config.depths, config.head_dim
    )
    return RegressionNetwork(generator, head)


def new_projection_regression(generator: Generator, scale: ImageScale) -> ProjectionRegression:
    """A generator with an untrained correction on its projection's reading."""
    return ProjectionRegression(generator, scale.density_mg_cm2)


def save_decomposition(
    folder: Path,
    trained: Decomposition,
    discriminator: MultiScaleDiscriminator,
    target: str,
    subjects: Collection[str],
) -> None:
    """Leave weights, the discriminators' weights and model.json. `target` is the image kind."""
    meta = {
        "kind": "decomposition",
        "backbone": trained.backbone,
        "size_px": list(trained.size_px),
        "target": target,
        "scale": trained.scale.to_json(),
    }
    save_weights(Path(folder) / WEIGHTS, trained.generator, meta)
    save_weights(Path(folder) / DISCRIMINATORS, discriminator, meta)
    write_json(Path(folder) / MODEL, {**meta, "subjects": sorted(subjects)})


def load_decomposition(folder: Path, backbone: str | None = None) -> Decomposition:
    """Read a decomposition for use; raises UsageError if the files are missing or do not fit, or if
    it is not of the `backbone` that is wanted."""
    meta = _meta(folder, "decomposition")
    if backbone not in (None, meta["backbone"]):
        raise UsageError(f"{folder} holds a {meta['backbone']}, not a {backbone}")
    generator = new_generator(meta["backbone"])
    load_weights(Path(folder) / WEIGHTS, generator, {"backbone": meta["backbone"]})
    return Decomposition(
        generator.eval(), ImageScale(**meta["scale"]), meta["backbone"], tuple(meta["size_px"])
    )


def load_discriminator(folder: Path, discriminator: MultiScaleDiscriminator) -> None:
    """Take over the weights that a stage left; raises UsageError if they do not fit."""
    load_weights(Path(folder) / DISCRIMINATORS, discriminator)


def save_regression(
    folder: Path,
    trained: Regression,
    config: HeadConfig,
    backbone: str,
    size_px: tuple[int, int],
    target: str,
    subjects: Collection[str],
) -> None:
    """Leave weights and model.json. `target` is `dxa` or `qct`; `config` is a transformer's."""
    on_projection = isinstance(trained.network, ProjectionRegression)
    _save_value_network(
        folder,
        trained,
        {
            "kind": "regression",
            "backbone": backbone,
            "size_px": list(size_px),
            "head": ON_PROJECTION if on_projection else config.model_dump(mode="json"),
            "target": target,
        },
        subjects,
    )


def load_regression(folder: Path) -> Regression:
    """Read a regression for use; raises UsageError if the files are missing or do not fit."""
    meta = _meta(folder, "regression")
    generator = new_generator(meta["backbone"])
    network: nn.Module
    if meta["head"] == ON_PROJECTION:
        network = new_projection_regression(generator, ImageScale(**meta["scale"]))
    else:
        network = new_regression(generator, tuple(meta["size_px"]), HeadConfig(**meta["head"]))
    return _load_value_network(folder, network, meta)


def save_conventional(
    folder: Path,
    trained: Regression,
    model: str,
    region_px: int,
    region_margin: float,
    target: str,
    subjects: Collection[str],
) -> None:
    """Leave the baseline's weights and model.json. `target` is `dxa` or `qct`."""
    meta = {
        "kind": "conventional",
        "model": model,
        "region_px": region_px,
        "region_margin": region_margin,
        "target": target,
    }
    _save_value_network(folder, trained, meta, subjects)


def load_conventional(folder: Path) -> tuple[Regression, int, float]:
    """Read the baseline for use, with its region's size in pixels and margin."""
    meta = _meta(folder, "conventional")
    network = build(meta["model"], "region_regressor")
    trained = _load_value_network(folder, network, meta)
    return trained, int(meta["region_px"]), float(meta["region_margin"])


def _save_value_network(
    folder: Path, trained: Regression, meta: dict[str, Any], subjects: Collection[str]
) -> None:
    scales = {"scale": trained.scale.to_json(), "value_scale": trained.value_scale.to_json()}
    save_weights(Path(folder) / WEIGHTS, trained.network, {**meta, **scales})
    write_json(Path(folder) / MODEL, {**meta, **scales, "subjects": sorted(subjects)})


def _load_value_network(folder: Path, network: nn.Module, meta: dict[str, Any]) -> Regression:
    load_weights(Path(folder) / WEIGHTS, network, {"kind": meta["kind"], "target": meta["target"]})
    return Regression(
        network.eval(), ImageScale(**meta["scale"]), ValueScale(**meta["value_scale"])
    )


def _meta(folder: Path, kind: str) -> dict[str, Any]:
    meta: dict[str, Any] = read_json(Path(folder) / MODEL)
    if meta["kind"] != kind:
        raise ValueError(f"{folder} holds a {meta['kind']}, not a {kind}")
    return meta
