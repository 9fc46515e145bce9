"""What every generator offers: an encoder, a decoder, and the representation between them."""

from __future__ import annotations

from torch import Tensor, nn

STRIDE = 4
"""A representation has a quarter of its image's height and width (Gu 2023 §3.3)."""


class Generator(nn.Module):
    """Image to image in two halves that can be used and trained on their own.

    `encoder` turns a radiograph `[n, 1, h, w]` into a representation
    `[n, representation_channels, h / stride, w / stride]`, `decoder` that into an image.
    Source: Gu 2023 §3 (G = {M_E, M_D}).
    """

    encoder: nn.Module
    decoder: nn.Module
    representation_channels: int
    stride: int = STRIDE
    multiple: int

    def encode(self, radiograph: Tensor) -> Tensor:
        """Raises ValueError if the image's size is not a multiple of `multiple`."""
        height, width = radiograph.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"{width} x {height} is not a multiple of {self.multiple}")
        representation: Tensor = self.encoder(radiograph)
        return representation

    def decode(self, representation: Tensor) -> Tensor:
        image: Tensor = self.decoder(representation)
        return image

    def forward(self, radiograph: Tensor) -> Tensor:
        return self.decode(self.encode(radiograph))
