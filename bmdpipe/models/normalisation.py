"""Group normalisation in place of batch and instance normalisation (Gu 2023 §4.2.7)."""

from __future__ import annotations

from torch import nn

MOST_GROUPS = 32
LEAST_CHANNELS_PER_GROUP = 2


def decoder_norm(channels: int) -> nn.Module:
    """Group normalisation in a decoder that is wide enough for it, nothing in a narrow one.

    Few channels to a group make it nearly instance normalisation, which takes from a feature map
    how strong it is. What a decoder has to draw is just that: how dense the bone is.
    """
    enough = channels >= MOST_GROUPS * LEAST_CHANNELS_PER_GROUP
    return group_norm(channels) if enough else nn.Identity()


def group_norm(channels: int) -> nn.GroupNorm:
    """32 groups (Wu 2018), or the most that divide the channels and leave two to each.

    Wider groups let stage two of a narrow generator collapse to an empty projection.
    """
    most = min(MOST_GROUPS, max(channels // LEAST_CHANNELS_PER_GROUP, 1))
    groups = next(n for n in range(most, 0, -1) if channels % n == 0)
    return nn.GroupNorm(groups, channels)
