"""The trainings of one fold as the workflow runs them: build or take over, train, hand back.

Source: Gu 2023 §3 and Fig. 2.
"""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.epochs import Row
from bmdpipe.models.discriminator import MultiScaleDiscriminator
from bmdpipe.models.registry import build, check_size
from bmdpipe.pairs.normalise import fit_image_scale, fit_value_scale
from bmdpipe.pairs.region import RegionStack
from bmdpipe.pairs.store import Pairs
from bmdpipe.training.data import ImagePairs, ValuePairs
from bmdpipe.training.decomposition import train_decomposition
from bmdpipe.training.loop import frame_of, fresh
from bmdpipe.training.projection_fit import ProjectionFit
from bmdpipe.training.regression import (
    train_on_projection,
    train_regression,
    train_stage_three,
)
from bmdpipe.training.saved import (
    Decomposition,
    Regression,
    load_decomposition,
    load_discriminator,
    new_discriminator,
    new_generator,
    new_projection_regression,
    new_regression,
)


def decompose(
    stage: str,
    pairs: Pairs,
    kind: str,
    n_epochs: int,
    decomposer: Decomposer,
    pairs_config: PairsConfig,
    config: TrainingConfig,
    state: Path,
    before: Path | None = None,
) -> tuple[Decomposition, MultiScaleDiscriminator, list[Row]]:
    """Train stage one (`kind` bones) or two (`kind` pf), from the weights of the stage `before`.

    Without such a stage it starts from the generator that `decomposer.pretrained` names, or afresh.
    A stage that takes over weights takes over the scale too, so that the output keeps its meaning.
    Raises UsageError if what is taken over is of another backbone.
    """
    check_size(decomposer.backbone, pairs_config.size_px)
    data = ImagePairs.of(pairs, kind)
    sizes = config.decomposition.discriminator
    discriminator = fresh(lambda: new_discriminator(sizes), config.seed, stage, "discriminator")
    source = before or (Path(decomposer.pretrained) if decomposer.pretrained else None)
    if source is None:
        generator = fresh(
            lambda: new_generator(decomposer.backbone), config.seed, stage, "generator"
        )
        scale = fit_image_scale(
            pairs.images["radiograph"], pairs.images[kind], pairs_config.standardise
        )
    else:
        earlier = load_decomposition(source, decomposer.backbone)
        generator, scale = earlier.generator, earlier.scale
    if before is not None:
        load_discriminator(before, discriminator)
    history = train_decomposition(
        generator,
        discriminator,
        data,
        scale,
        n_epochs,
        config.decomposition,
        pairs_config.augmentation,
        frame_of(stage, state, config),
    )
    trained = Decomposition(generator.eval(), scale, decomposer.backbone, pairs_config.size_px)
    return trained, discriminator, history


def regress(
    data: ValuePairs,
    stage_two: Path,
    tune_encoder: bool,
    pairs_config: PairsConfig,
    config: TrainingConfig,
    state: Path,
) -> tuple[Regression, str, list[Row]]:
    """Train stage three on the encoder that stage two left; also returns the backbone's name."""
    earlier = load_decomposition(stage_two)
    network = fresh(
        lambda: new_regression(earlier.generator, earlier.size_px, config.regression.head),
        config.seed,
        "stage_three",
    )
    value_scale = fit_value_scale(data.values.tolist())
    history = train_stage_three(
        network,
        data,
        earlier.scale,
        value_scale,
        tune_encoder,
        config.regression,
        pairs_config.augmentation,
        frame_of("stage_three", state, config),
    )
    return Regression(network.eval(), earlier.scale, value_scale), earlier.backbone, history


def regress_on_projection(
    data: ValuePairs,
    stage_two: Path,
    fit: ProjectionFit,
    pairs_config: PairsConfig,
    config: TrainingConfig,
    state: Path,
) -> tuple[Regression, str, list[Row]]:
    """Train a stage three that starts from what `fit` reads in the projections of stage two."""
    earlier = load_decomposition(stage_two)
    value_scale = fit_value_scale(data.values.tolist())
    network = fresh(
        lambda: new_projection_regression(earlier.generator, earlier.scale),
        config.seed,
        "stage_three",
    )
    network.read_by(
        fit.threshold_mg_cm2,
        fit.slope / value_scale.sd,
        (fit.intercept - value_scale.mean) / value_scale.sd,
    )
    history = train_on_projection(
        network,
        data,
        earlier.scale,
        value_scale,
        config.regression,
        pairs_config.augmentation,
        frame_of("stage_three", state, config),
    )
    return Regression(network.eval(), earlier.scale, value_scale), earlier.backbone, history


def regress_regions(
    data: ValuePairs,
    pairs_config: PairsConfig,
    config: TrainingConfig,
    state: Path,
) -> tuple[Regression, list[Row]]:
    """Train the conventional baseline on region images."""
    conventional = config.conventional
    check_size(conventional.model, (conventional.region_px, conventional.region_px))
    network = fresh(
        lambda: build(conventional.model, "region_regressor"), config.seed, "conventional"
    )
    scale = fit_image_scale(data.images, data.images, pairs_config.standardise)
    value_scale = fit_value_scale(data.values.tolist())
    history = train_regression(
        network,
        data,
        scale,
        value_scale,
        conventional.epochs,
        conventional.batch_size,
        conventional.optimiser,
        pairs_config.augmentation,
        frame_of("conventional", state, config),
    )
    return Regression(network.eval(), scale, value_scale), history


def region_images(pairs: Pairs, region_px: int, margin: float) -> RegionStack:
    """The baseline's input `[n, region_px, region_px]` from pairs with radiograph and pf."""
    return RegionStack(pairs.images["radiograph"], pairs.images["pf"], region_px, margin)
