"""Stage two as it is commonly written: what our step is measured against.

`PlainStep` is pix2pixHD's optimisation (Wang 2018) in plain PyTorch: eager, float32, channels
first, three forward passes of the discriminators and augmentation on the CPU, image by image, in a
DataLoader. `MonaiStep` is the same with MONAI's patch discriminators and adversarial loss.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.core.config.training import DecompositionConfig
from bmdpipe.models.discriminator import MultiScaleDiscriminator
from bmdpipe.models.generator import Generator
from bmdpipe.pairs.augment import apply_geometry, apply_intensity, draw
from bmdpipe.pairs.normalise import ImageScale
from bmdpipe.training.losses import feature_matching_loss, gradient_correlation_loss

Features = list[list[Tensor]]
LARGEST_GROUPS = 32


class AugmentedPairs(Dataset[Tensor]):
    """One augmented pair `[2, h, w]` at a time, on the CPU, again and again."""

    def __init__(
        self,
        radiographs: Tensor,
        projections: Tensor,
        scale: ImageScale,
        augmentation: AugmentationConfig,
        length: int,
    ) -> None:
        self.pairs = torch.cat([radiographs, projections], dim=1)
        self.scale, self.augmentation, self.length = scale, augmentation, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        pair = self.pairs[index % len(self.pairs)][None]
        drawn = draw(1, self.augmentation, torch.Generator().manual_seed(index))
        moved = apply_geometry(pair, drawn)
        radiograph = self.scale.radiograph_in(apply_intensity(moved[:, :1], drawn))
        return torch.cat([radiograph, self.scale.density_in(moved[:, 1:])], dim=1)[0]


class PlainStep:
    """Generator and discriminators trained by one batch per call."""

    def __init__(
        self,
        generator: Generator,
        discriminator: nn.Module,
        pairs: AugmentedPairs,
        config: DecompositionConfig,
        device: torch.device,
        workers: int,
    ) -> None:
        self.generator = generator.to(device).train()
        self.discriminator = discriminator.to(device).train()
        self.config, self.device = config, device
        rate, betas = config.optimiser.learning_rate, config.optimiser.betas
        self.made = torch.optim.AdamW(generator.parameters(), lr=rate, betas=betas)
        self.judged = torch.optim.AdamW(discriminator.parameters(), lr=rate, betas=betas)
        self.batches: Iterator[Tensor] = iter(
            DataLoader(pairs, batch_size=config.batch_size, num_workers=workers)
        )

    def features(self, radiograph: Tensor, projection: Tensor) -> Features:
        result: Features = self.discriminator(radiograph, projection)
        return result

    def adversarial(self, features: Features, real: bool) -> Tensor:
        return sum(
            (functional.mse_loss(s[-1], torch.full_like(s[-1], float(real))) for s in features),
            torch.zeros((), device=self.device),
        )

    def __call__(self) -> None:
        batch = next(self.batches).to(self.device)
        radiograph, true = batch[:, :1], batch[:, 1:]
        fake = self.generator(radiograph)
        rejected = self.features(radiograph, fake.detach())
        real = self.features(radiograph, true)
        judged = self.features(radiograph, fake)
        discriminator_loss = 0.5 * (
            self.adversarial(rejected, False) + self.adversarial(real, True)
        )
        config = self.config
        generator_loss = (
            config.weight_adversarial * self.adversarial(judged, True)
            + config.weight_fm * feature_matching_loss(judged, real)
            + config.weight_l1 * functional.l1_loss(fake, true)
            + config.weight_gc * gradient_correlation_loss(fake, true)
        )
        for optimiser, loss in ((self.made, generator_loss), (self.judged, discriminator_loss)):
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


class MonaiDiscriminators(nn.Module):
    """MONAI's patch discriminators of the same widths on the same pyramid of images.

    MONAI's own `MultiScalePatchDiscriminator` makes the second and third scale two and three times
    as deep and doubles their channels without limit, which at three scales fits no machine.
    """

    def __init__(self, scales: int, filters: int, layers: int) -> None:
        super().__init__()
        from monai.networks.nets import PatchDiscriminator

        norm = ("group", {"num_groups": min(LARGEST_GROUPS, filters // 2)})
        self.scales = nn.ModuleList(
            PatchDiscriminator(
                spatial_dims=2,
                channels=filters,
                in_channels=2,
                num_layers_d=layers,
                norm=norm,
            )
            for _ in range(scales)
        )

    def forward(self, radiograph: Tensor, projection: Tensor) -> Features:
        pair, results = torch.cat([radiograph, projection], dim=1), []
        for index, scale in enumerate(self.scales):
            if index:
                pair = functional.avg_pool2d(pair, 3, 2, 1, count_include_pad=False)
            results.append(scale(pair))
        return results


class MonaiStep(PlainStep):
    """The plain step with MONAI's adversarial loss."""

    def adversarial(self, features: Features, real: bool) -> Tensor:
        from monai.losses import PatchAdversarialLoss

        scores = [scale[-1] for scale in features]
        loss = PatchAdversarialLoss(no_activation_leastsq=True)
        mean: Tensor = loss(scores, target_is_real=real, for_discriminator=True)
        return mean * len(scores)


def discriminators_of(config: DecompositionConfig, monai: bool) -> nn.Module:
    sizes = config.discriminator
    kind = MonaiDiscriminators if monai else MultiScaleDiscriminator
    return kind(sizes.scales, sizes.filters, sizes.layers)
