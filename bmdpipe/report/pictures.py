"""Pictures that travel inside an HTML page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

JPEG_QUALITY = 85
SMALL = 120_000
"""Bytes up to which a picture that needs no scaling is taken as it is."""


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its size in pixels and what to call it."""

    uri: str
    width: int
    height: int
    label: str
    link: str | None = None


def embed(path: Path, max_width: int, label: str, link: str | None = None) -> Picture:
    """A picture file, scaled down to `max_width` pixels, as PNG or JPEG, whichever is smaller."""
    data = Path(path).read_bytes()
    with Image.open(io.BytesIO(data)) as opened:
        if opened.format == "PNG" and opened.width <= max_width and len(data) <= SMALL:
            return embed_png(data, label, link)
        opaque = opened.mode in ("RGB", "L")
        image = opened.copy() if opaque else _on_white(opened)
    if image.width > max_width:
        height = max(1, round(image.height * max_width / image.width))
        image = image.resize((max_width, height), Image.Resampling.LANCZOS)
    png, jpeg = _encoded(image, "PNG"), _encoded(image, "JPEG", quality=JPEG_QUALITY)
    kind, data = ("png", png) if len(png) <= len(jpeg) else ("jpeg", jpeg)
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(uri, image.width, image.height, label, link)


def embed_png(data: bytes, label: str, link: str | None = None) -> Picture:
    """PNG bytes as they are."""
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    uri = f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(uri, width, height, label, link)


def pictures_in(folder: Path) -> list[Path]:
    """The PNG files of a stage's folder and its sub-folders, in order; none of the truth's."""
    found = Path(folder).rglob("*.png")
    return sorted(path for path in found if "truth" not in path.relative_to(folder).parts)


def _on_white(image: Image.Image) -> Image.Image:
    coloured = image.convert("RGBA")
    ground = Image.new("RGBA", coloured.size, "white")
    return Image.alpha_composite(ground, coloured).convert("RGB")


def _encoded(image: Image.Image, kind: str, **options: int | bool) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
