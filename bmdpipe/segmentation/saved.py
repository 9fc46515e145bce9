"""A trained network on disk: weights, and what is needed to build the network again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.core.checkpoints import load_weights, save_weights
from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.segmentation.classes import CLASSES
from bmdpipe.segmentation.networks import Network, build


def save(weights: Path, net: Network, network: SegmentationNetwork) -> dict[str, Any]:
    """Write the weights; returns what `restore` needs beside them, as JSON values."""
    described = network.model_dump(mode="json")
    save_weights(weights, net, {"network": described})
    return {
        "network": described,
        "classes": list(CLASSES),
        "parameters": sum(p.numel() for p in net.parameters()),
    }


def restore(weights: Path, model: dict[str, Any]) -> tuple[Network, SegmentationNetwork]:
    """The network of a saved fold, and its working slices.

    Raises UsageError where weights and description do not belong together.
    """
    network = SegmentationNetwork.model_validate(model["network"])
    net = build(network, len(model["classes"]), seed=0)
    load_weights(weights, net, expect={"network": model["network"]})
    return net, network
