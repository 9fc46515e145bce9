import io

import numpy as np
import pytest
from PIL import Image as Picture

from bmdpipe.pairs.compression import CompressedStack, Compression, compressed


def _image():
    y, x = np.mgrid[:64, :32]
    return (0.3 + 0.4 * np.sin(x / 5) * np.cos(y / 7)).astype(np.float32)


@pytest.mark.parametrize("bits", [8, 4, 1])
def test_fewer_bits_leave_so_many_greys_within_half_a_step(bits):
    image = _image()
    made, size = compressed(image, Compression("bits", bits))
    assert len(np.unique(made)) <= 2**bits
    step = np.ptp(image) / (2**bits - 1)
    assert np.abs(made - image).max() <= step / 2 * 1.001
    assert size == 64 * 32 * bits // 8


def test_jpeg_is_pillows_and_loses_more_at_lower_quality():
    image = _image()
    errors, sizes = [], []
    for quality in (95, 50, 10):
        made, size = compressed(image, Compression("jpeg", quality))
        errors.append(float(np.abs(made - image).mean()))
        sizes.append(size)
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)
    grey = np.rint((image - image.min()) / np.ptp(image) * 255).astype(np.uint8)
    stream = io.BytesIO()
    Picture.fromarray(grey).save(stream, format="JPEG", quality=10)
    assert sizes[-1] == stream.tell()


def test_a_stack_compresses_what_is_asked_for():
    stack = np.stack([_image(), 2 * _image()])
    how = Compression("bits", 3)
    made = CompressedStack(stack, how)
    assert made.shape == stack.shape
    np.testing.assert_array_equal(made[np.array([1])][0], compressed(stack[1], how)[0])
