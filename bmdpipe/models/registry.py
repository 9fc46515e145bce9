"""Every network by name: where its class is and with which sizes it is built. Pure data.

Nothing is imported until a network is built, so that a training depends on its own backbone's code
and on no other's: the workflow hashes `module_of(name)` beside the script.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from bmdpipe.core.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

Kind = Literal[
    "generator",
    "region_regressor",
    "classifier",
    "volume_network",
    "value_network",
    "suppressor",
]


@dataclass(frozen=True)
class Entry:
    """A network: `target` is "module:Class", `sizes` its keyword arguments.

    `multiple` is what width and height of an image must be a multiple of; `layer` the module whose
    feature maps explanations weigh, `head` the last layer; None where a network has none.
    """

    name: str
    kind: Kind
    target: str
    sizes: dict[str, Any] = field(default_factory=dict)
    multiple: int = 1
    layer: str | None = None
    head: str | None = None

    @property
    def module(self) -> str:
        return self.target.split(":")[0]


def table(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by name; raises ValueError on a name that is given twice."""
    by_name: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in by_name:
            raise ValueError(f"two models are called '{entry.name}'")
        by_name[entry.name] = entry
    return by_name


RESNET = "bmdpipe.models.resnet:ResNetGenerator"
HRNET = "bmdpipe.models.hrnet:HRNetGenerator"
DAFORMER = "bmdpipe.models.daformer:DAFormerGenerator"
HRFORMER = "bmdpipe.models.hrformer:HRFormerGenerator"
VGG = "bmdpipe.models.vgg:VggRegressor"
RESNETS = "bmdpipe.models.residual_net:ResNet"
DENSENETS = "bmdpipe.models.dense_net:DenseNet"
TIMM = "bmdpipe.models.external:timm_network"
SUPPRESSION = "bmdpipe.models.suppression:"
VGG_CLASSIFIER = "bmdpipe.models.vgg_classifier:VggClassifier"
VGG_EVIDENCE = "bmdpipe.models.vgg_classifier:VggEvidence"
PREACT = "bmdpipe.models.preact_resnet:PreactResNet"
VOLUME_CNN = "bmdpipe.models.volume_cnn:VolumeCnn"
EIGHTEEN = {"widths": (64, 128, 256, 512), "blocks": (2, 2, 2, 2)}
SHORT = {"widths": (8, 16, 32), "blocks": (1, 1, 1), "stem_kernel": 3, "stem_stride": 1}
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

QUARTER, SMALL_QUARTER, TINY_QUARTER = (128, 64), (64, 32), (16, 8)
"""Channels of the decoder: the last two upsamplings of pix2pixHD, a half and an eighth of them."""

MODELS = table(
    [
        # pix2pixHD's global generator (Wang 2018), the paper's baseline backbone
        Entry("resnet", "generator", RESNET, {"filters": 64, "blocks": 9, "downs": 3}, 8),
        Entry("resnet_small", "generator", RESNET, {"filters": 32, "blocks": 6, "downs": 2}, 4),
        Entry("resnet_tiny", "generator", RESNET, {"filters": 8, "blocks": 4, "downs": 2}, 4),
        # HRNetV2-W48, and W18-small-v2 of its authors (Wang 2021)
        Entry(
            "hrnet",
            "generator",
            HRNET,
            {
                "stem": 64,
                "bottlenecks": 4,
                "channels": (48, 96, 192, 384),
                "modules": (1, 4, 3),
                "blocks": 4,
                "decoder": QUARTER,
            },
            32,
        ),
        Entry(
            "hrnet_small",
            "generator",
            HRNET,
            {
                "stem": 64,
                "bottlenecks": 2,
                "channels": (18, 36, 72, 144),
                "modules": (1, 3, 2),
                "blocks": 2,
                "decoder": SMALL_QUARTER,
            },
            32,
        ),
        Entry(
            "hrnet_tiny",
            "generator",
            HRNET,
            {
                "stem": 8,
                "bottlenecks": 1,
                "channels": (8, 16, 32, 64),
                "modules": (1, 1, 1),
                "blocks": 1,
                "decoder": TINY_QUARTER,
            },
            32,
        ),
        # MiT-B5 and B0 (Xie 2021) with DAFormer's fusion (Hoyer 2022)
        Entry(
            "daformer",
            "generator",
            DAFORMER,
            {
                "dims": (64, 128, 320, 512),
                "depths": (3, 6, 40, 3),
                "heads": (1, 2, 5, 8),
                "drop_rate": 0.1,
                "width": 256,
                "decoder": QUARTER,
            },
            32,
        ),
        Entry(
            "daformer_small",
            "generator",
            DAFORMER,
            {
                "dims": (32, 64, 160, 256),
                "depths": (2, 2, 2, 2),
                "heads": (1, 2, 5, 8),
                "drop_rate": 0.1,
                "width": 128,
                "decoder": SMALL_QUARTER,
            },
            32,
        ),
        Entry(
            "daformer_tiny",
            "generator",
            DAFORMER,
            {
                "dims": (8, 16, 32, 64),
                "depths": (1, 1, 1, 1),
                "heads": (1, 2, 4, 8),
                "drop_rate": 0.0,
                "width": 32,
                "decoder": TINY_QUARTER,
            },
            32,
        ),
        # HRFormer-B, the paper's own backbone, and HRFormer-S (Yuan 2021)
        Entry(
            "hrformer",
            "generator",
            HRFORMER,
            {
                "stem": 64,
                "bottlenecks": 2,
                "channels": (78, 156, 312, 624),
                "heads": (2, 4, 8, 16),
                "modules": (1, 4, 2),
                "blocks": 2,
                "expansion": 4,
                "drop_rate": 0.2,
                "decoder": QUARTER,
            },
            32,
        ),
        Entry(
            "hrformer_small",
            "generator",
            HRFORMER,
            {
                "stem": 64,
                "bottlenecks": 2,
                "channels": (32, 64, 128, 256),
                "heads": (1, 2, 4, 8),
                "modules": (1, 4, 2),
                "blocks": 2,
                "expansion": 4,
                "drop_rate": 0.1,
                "decoder": SMALL_QUARTER,
            },
            32,
        ),
        Entry(
            "hrformer_tiny",
            "generator",
            HRFORMER,
            {
                "stem": 8,
                "bottlenecks": 1,
                "channels": (8, 16, 32, 64),
                "heads": (1, 2, 4, 8),
                "modules": (1, 1, 1),
                "blocks": 1,
                "expansion": 2,
                "drop_rate": 0.0,
                "decoder": TINY_QUARTER,
            },
            32,
        ),
        # Hsieh 2021
        Entry("vgg16", "region_regressor", VGG, {"stages": VGG16}, 32),
        Entry("vgg_tiny", "region_regressor", VGG, {"stages": ((8,), (16,), (32,), (64,))}, 16),
        # seed 004: image in, a logit per class out
        Entry("logistic", "classifier", "bmdpipe.models.logistic:LogisticRegression"),
        Entry("resnet18", "classifier", RESNETS, {"dims": 2, **EIGHTEEN}, 1, "layer4", "fc"),
        Entry("resnet_short", "classifier", RESNETS, {"dims": 2, **SHORT}, 1, "layer3", "fc"),
        Entry(
            "densenet121",
            "classifier",
            DENSENETS,
            {"dims": 2, "layers": (6, 12, 24, 16), "growth": 32, "stem": 64},
            1,
            "features",
            "classifier",
        ),
        Entry(
            "efficientnet_b0",
            "classifier",
            "bmdpipe.models.efficient_net:EfficientNet",
            {},
            1,
            "bn2",
            "classifier",
        ),
        # the same of timm, where it is installed
        *(
            Entry(f"timm_{name}", "classifier", TIMM, {"name": name, "ours": name}, 1, layer, head)
            for name, layer, head in (
                ("resnet18", "layer4", "fc"),
                ("densenet121", "features", "classifier"),
                ("efficientnet_b0", "bn2", "classifier"),
            )
        ),
        # seed 002: volume in, a logit per class (or one value) out
        Entry(
            "volume_cnn",
            "volume_network",
            VOLUME_CNN,
            {"stages": ((16, 16), (32, 32), (64, 64)), "cells": 8, "dropout": 0.3},
            1,
            "evidence",
            "evidence",
        ),
        Entry(
            "volume_cnn_small",
            "volume_network",
            VOLUME_CNN,
            {"stages": ((8,), (8,)), "cells": 12},
            1,
            "evidence",
            "evidence",
        ),
        Entry("volume_resnet", "volume_network", RESNETS, {"dims": 3, **SHORT}, 1, "layer3", "fc"),
        Entry(
            "volume_densenet",
            "volume_network",
            DENSENETS,
            {"dims": 3, "layers": (2, 2, 2), "growth": 8, "stem": 16, "stem_stride": 1},
            1,
            "features",
            "classifier",
        ),
        # seed 000: image in, one value out
        Entry(
            "preact_resnet22",
            "value_network",
            PREACT,
            {"widths": (16, 16, 32, 64, 128)},
            1,
            "features",
            "value",
        ),
        Entry(
            "preact_resnet_tiny",
            "value_network",
            PREACT,
            {"widths": (8, 16, 32), "blocks": 1},
            1,
            "features",
            "value",
        ),
        # seed 001: radiograph in, radiograph without bones out; the small ones are ours
        Entry("ae_bs", "suppressor", f"{SUPPRESSION}AutoencoderBs", {"filters": (16, 32, 64)}, 4),
        Entry(
            "convnet_bs",
            "suppressor",
            f"{SUPPRESSION}ConvNetBs",
            {"filters": (16, 32, 64, 128, 256, 512)},
        ),
        Entry(
            "convnet_bs_small", "suppressor", f"{SUPPRESSION}ConvNetBs", {"filters": (8, 16, 24)}
        ),
        Entry(
            "rl_bs",
            "suppressor",
            f"{SUPPRESSION}ResidualBs",
            {"filters": (8, 16, 32, 64, 128, 256, 512)},
        ),
        Entry("rl_bs_small", "suppressor", f"{SUPPRESSION}ResidualBs", {"filters": (8, 16, 24)}),
        Entry(
            "resnet_bs",
            "suppressor",
            f"{SUPPRESSION}ResNetBs",
            {"filters": 64, "blocks": 16, "scale": 0.1},
        ),
        Entry(
            "resnet_bs_small",
            "suppressor",
            f"{SUPPRESSION}ResNetBs",
            {"filters": 16, "blocks": 4, "scale": 1.0, "from_input": True},
        ),
        Entry(
            "vgg16_cxr",
            "classifier",
            VGG_CLASSIFIER,
            {"stages": VGG16},
            1,
            "features",
            "classifier",
        ),
        Entry(
            "vgg_evidence",
            "classifier",
            VGG_EVIDENCE,
            {"stages": ((8,), (16,), (32,), (48,)), "top_share": 0.2},
            1,
            "features",
            "evidence",
        ),
    ]
)


def names(kind: Kind) -> tuple[str, ...]:
    return tuple(name for name, entry in MODELS.items() if entry.kind == kind)


def entry_of(name: str, kind: Kind) -> Entry:
    """Raises UsageError that lists the models of this kind if there is none of this name."""
    if name not in names(kind):
        raise UsageError(f"no {kind} is called '{name}': choose one of {', '.join(names(kind))}")
    return MODELS[name]


def module_of(name: str) -> str:
    """The module that a model's class is in, for the hash of its code."""
    return MODELS[name].module


def build(name: str, kind: Kind, **sizes: Any) -> nn.Module:
    """A network with fresh weights (torch's global random state decides).

    `sizes` are those that the data decide, such as `channels` and `outputs` of a classifier.
    """
    entry = entry_of(name, kind)
    module, _, attribute = entry.target.partition(":")
    network: nn.Module = getattr(import_module(module), attribute)(**entry.sizes, **sizes)
    return network


def check_size(name: str, size_px: tuple[int, int]) -> None:
    """Raise UsageError if a model cannot take images of this size."""
    multiple = MODELS[name].multiple
    if any(n % multiple for n in size_px):
        raise UsageError(
            f"'{name}' takes images whose width and height are multiples of {multiple}, "
            f"not {size_px[0]} x {size_px[1]}"
        )
