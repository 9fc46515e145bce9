"""Random changes of what a slice looks like, so that a network learns bone and not one scanner.

Density, contrast agent, gas, texture, blur, noise, shading and metal are all drawn anew per slice:
what is trained on virtual CTs has then seen more than any one real CT shows. Source of the idea:
Billot 2023 (SynthSeg), domain randomisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bmdpipe.core.config.segmentation import SegmentationAugmentation
from bmdpipe.segmentation.smooth_noise import blurred, smooth_noise

MARROW_HU, CORTEX_HU = 50.0, 400.0
"""The HU at which a bone's curve starts, and at which it turns from cancellous to cortical."""
BODY_HU, GAS_HU, METAL_AS_HU = -300.0, -1000.0, 40.0
"""What lies in the body; gas; what the pipeline shows metal as (`imaging.metal`)."""
COMPACT_HU, FAT_HU = 1000.0, -110.0
"""Compact bone knows no patches; marrow is no darker than fat."""
PATCH_MM = (12.0, 50.0)
"""How far apart patches of cancellous bone lie, from and to (own choice)."""
STREAK_REACH_MM = 70.0
STREAK_SECTORS = 96
"""How far streaks of metal reach, and how many sectors they are drawn in (own choice)."""


@dataclass(frozen=True)
class Appearance:
    """What is done to the look of n slices; every tensor is `[n]`.

    `marrow_gain`, `cortex_gain` and `marrow_hu` bend the curve of HU inside bone, `patch_hu` is how
    much regions of cancellous bone, `patch_mm` wide, differ, as where fat takes the marrow's place;
    `soft_gain`
    scales the contrast of soft tissue; `*_texture_hu` are amplitudes of smooth texture; `agent_hu`
    is the HU of contrast agent (0: none) and `gas` says where gas is; `sharpness` below 0 blurs and
    above 0 sharpens with a Gaussian of `sigma_px`; `shading_hu` is the amplitude of a slow bias;
    `metal_mm` is the radius of an implant (0: none), `streak_hu` the strength of its streaks.
    """

    pixel_mm: float
    marrow_gain: Tensor
    cortex_gain: Tensor
    marrow_hu: Tensor
    patch_hu: Tensor
    patch_mm: float
    bone_texture_hu: Tensor
    soft_gain: Tensor
    soft_texture_hu: Tensor
    agent_hu: Tensor
    gas: Tensor
    metal_mm: Tensor
    streak_hu: Tensor
    sigma_px: float
    sharpness: Tensor
    shading_hu: Tensor
    hu_scale: Tensor
    hu_shift: Tensor
    noise_hu: Tensor
    noise_grain: Tensor
    seed: int


def draw_appearance(
    config: SegmentationAugmentation, n: int, pixel_mm: float, generator: torch.Generator
) -> Appearance:
    """Draw the look of n slices."""

    def chance() -> Tensor:
        return torch.rand(n, generator=generator)

    def either_side(limit: float) -> Tensor:
        return (chance() * 2 - 1) * limit

    sigma_mm = config.blur_mm * float(torch.rand((), generator=generator))
    agent = torch.where(chance() < config.agent_share, 100 + 1000 * chance() ** 2, 0.0)
    return Appearance(
        pixel_mm=pixel_mm,
        marrow_gain=torch.exp(either_side(config.bone_gain)),
        cortex_gain=torch.exp(either_side(config.bone_gain)),
        marrow_hu=either_side(config.marrow_hu),
        patch_hu=chance() * config.patch_hu,
        patch_mm=PATCH_MM[0]
        + (PATCH_MM[1] - PATCH_MM[0]) * float(torch.rand((), generator=generator)),
        bone_texture_hu=chance() * config.texture_hu * 2,
        soft_gain=1 + either_side(config.soft_gain),
        soft_texture_hu=chance() * config.texture_hu,
        agent_hu=agent,
        gas=chance() < config.agent_share,
        metal_mm=torch.where(chance() < config.metal_share, 4 + 10 * chance(), 0.0),
        streak_hu=100 + 300 * chance(),
        sigma_px=sigma_mm / pixel_mm,
        sharpness=chance() * 2 - 1,
        shading_hu=chance() * config.shading_hu,
        hu_scale=1 + either_side(config.hu_scale),
        hu_shift=either_side(config.hu_shift),
        noise_hu=chance() * config.noise_hu,
        noise_grain=chance(),
        seed=int(torch.randint(2**62, (), generator=generator)),
    )


def appear(hu: Tensor, shares: Tensor, look: Appearance) -> tuple[Tensor, Tensor]:
    """Slices `[n, y, x]` with the drawn look, and their shares `[n, class, y, x]` in 1/255, from
    which only metal takes away."""
    generator = torch.Generator().manual_seed(look.seed)
    bone = (shares.sum(dim=1) / 255).clamp(0, 1)
    hu = _tissues(hu, bone, look, generator)
    hu = _contents(hu, bone, look, generator)
    hu, shares = _metal(hu, shares, look, generator)
    if look.sigma_px > 0:
        hu = hu + _column(look.sharpness) * (hu - blurred(hu, look.sigma_px))
    if look.shading_hu.any():
        slow = smooth_noise(_field(hu), 150 / look.pixel_mm, generator)[:, 0]
        hu = hu + slow * _column(look.shading_hu) * (hu > BODY_HU)
    hu = hu * _column(look.hu_scale) + _column(look.hu_shift)
    if look.noise_hu.any():
        grain = torch.randn(hu.shape, generator=generator)
        coarse = blurred(grain, 1.0) * 3.5  # what a Gaussian of one pixel takes from the deviation
        mixed = torch.where(_column(look.noise_grain) < 0.5, grain, coarse)
        hu = hu + mixed * _column(look.noise_hu)
    return hu, shares


def _tissues(hu: Tensor, bone: Tensor, look: Appearance, generator: torch.Generator) -> Tensor:
    """Bone on another density curve, soft tissue with another contrast, both with texture."""
    above = hu - MARROW_HU
    reach = CORTEX_HU - MARROW_HU
    curved = (
        MARROW_HU
        + _column(look.marrow_hu)
        + _column(look.marrow_gain) * above.clamp(max=reach)
        + _column(look.cortex_gain) * (above - reach).clamp(min=0)
    )
    if look.patch_hu.any():
        patches = smooth_noise(_field(hu), look.patch_mm / look.pixel_mm, generator)[:, 0]
        cancellous = ((COMPACT_HU - hu) / (COMPACT_HU - CORTEX_HU)).clamp(0, 1)
        curved = (curved + patches * cancellous * _column(look.patch_hu)).clamp(min=FAT_HU)
    inside = (hu > -150) & (hu < 150)
    soft = torch.where(inside, hu * _column(look.soft_gain), hu)
    if look.soft_texture_hu.any() or look.bone_texture_hu.any():
        fine = smooth_noise(_field(hu), 5 / look.pixel_mm, generator)[:, 0]
        coarse = smooth_noise(_field(hu), 20 / look.pixel_mm, generator)[:, 0]
        texture = (fine + coarse) / 2
        curved = curved + texture * _column(look.bone_texture_hu)
        soft = soft + texture * _column(look.soft_texture_hu) * (hu > BODY_HU)
    return soft + bone * (curved - soft)


def _contents(hu: Tensor, bone: Tensor, look: Appearance, generator: torch.Generator) -> Tensor:
    """Contrast agent and gas in patches of soft tissue, of the size of bowel and of vessels."""
    if not (look.agent_hu.any() or look.gas.any()):
        return hu
    free = (bone < 0.02) & (hu > BODY_HU)
    n, height, width = hu.shape
    large = smooth_noise((n, 2, height, width), 18 / look.pixel_mm, generator)
    small = smooth_noise((n, 1, height, width), 6 / look.pixel_mm, generator)
    agent = ((large[:, 0] > 1.5) | (small[:, 0] > 2.3)) & free
    hu = torch.where(agent & (_column(look.agent_hu) > 0), _column(look.agent_hu), hu)
    return torch.where((large[:, 1] > 1.6) & free & _column(look.gas), GAS_HU, hu)


def _metal(
    hu: Tensor, shares: Tensor, look: Appearance, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A round implant in a bone of the last class, shown as the pipeline shows it, with streaks."""
    for i in torch.nonzero(look.metal_mm).flatten().tolist():
        inside = torch.nonzero(shares[i, -1] > 200)
        if not len(inside):
            continue
        chosen = int(torch.randint(len(inside), (), generator=generator))
        row, column = inside[chosen].tolist()
        y = torch.arange(hu.shape[1])[:, None] - row
        x = torch.arange(hu.shape[2])[None, :] - column
        apart = torch.hypot(y.float(), x.float()) * look.pixel_mm
        sectors = torch.randn(STREAK_SECTORS, generator=generator)
        turn = torch.atan2(y.float(), x.float()) / (2 * torch.pi) + 0.5
        streak = sectors[(turn * STREAK_SECTORS).long().clamp(0, STREAK_SECTORS - 1)]
        near = apart < look.metal_mm[i]
        fading = torch.exp(-(apart - look.metal_mm[i]).clamp(min=0) / STREAK_REACH_MM * 2)
        hu = hu.clone()
        hu[i] = torch.where(near, METAL_AS_HU, hu[i] + streak * fading * look.streak_hu[i])
        shares = shares.clone()
        shares[i] = shares[i] * ~near
    return hu, shares


def _field(hu: Tensor) -> tuple[int, int, int, int]:
    n, height, width = hu.shape
    return n, 1, height, width


def _column(values: Tensor) -> Tensor:
    return values[:, None, None]
