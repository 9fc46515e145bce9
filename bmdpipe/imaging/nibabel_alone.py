"""nibabel, imported without pydicom.

nibabel imports pydicom, if it is there, for one rare kind of header extension that is not read here
(it stays plain bytes). That import takes longer than nibabel itself, in every job of a subject.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """An import of a package that is not loaded yet fails meanwhile, as where it is missing."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


with _hidden("pydicom"):
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

__all__ = ["HeaderDataError", "ImageFileError", "nibabel"]
