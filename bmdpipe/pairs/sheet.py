"""The contact sheet that shows what augmentation does to radiographs and projections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.pairs.augment import apply_geometry, apply_intensity, draw
from bmdpipe.pairs.store import Pairs

COLUMNS = 6


def write_augmentation_sheet(
    path: Path, pairs: Pairs, config: AugmentationConfig, seed: int = 0
) -> None:
    """Two radiographs beside augmented copies, with the outlines of their bones' projection."""
    rows = min(2, len(pairs))
    figure = Figure(figsize=(2 * COLUMNS, 4.2 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    generator = torch.Generator().manual_seed(seed)
    for row in range(rows):
        images = torch.stack(
            [
                torch.from_numpy(pairs.images[kind][np.array([row])][0])
                for kind in ("radiograph", "bones")
            ]
        )
        drawn = draw(COLUMNS, config, generator)
        moved = apply_geometry(images[None].repeat(COLUMNS, 1, 1, 1), drawn)
        radiographs = apply_intensity(moved[:, :1], drawn)[:, 0]
        radiographs[0], moved[0] = images[0], images
        for column, axis in enumerate(axes[row]):
            axis.imshow(radiographs[column].numpy(), cmap="gray", vmin=0, vmax=1.2)
            bones = moved[column, 1].numpy()
            if bones.max() > 0:
                axis.contour(bones, levels=[0.2 * bones.max()], colors="tab:orange", linewidths=0.7)
            axis.set_title("original" if column == 0 else f"draw {column}", fontsize=8)
            axis.set_axis_off()
    with atomic_path(Path(path)) as part:
        figure.savefig(part, dpi=70, format="png")
