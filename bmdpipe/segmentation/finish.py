"""From what the network says to the final labels: pieces, sides, marrow, metal.

The quality line is fitted on labels finished by the same steps.
"""

from __future__ import annotations

from bmdpipe.core.config.segmentation import SegmentationPrediction
from bmdpipe.core.labels import BACKGROUND
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.metal import metal
from bmdpipe.segmentation.border import without_holes
from bmdpipe.segmentation.structures import bones, without_upper_spine


def finished(classes: Volume, ct: Volume, shown: Volume, config: SegmentationPrediction) -> Volume:
    """The label map of a class map; `shown` is the CT as the network saw it, without metal."""
    labels = without_holes(bones(classes, config.part_share), shown)
    if config.above_crest_mm is not None:
        labels = without_upper_spine(labels, config.above_crest_mm)
    labels.array[metal(ct)] = BACKGROUND
    return labels
