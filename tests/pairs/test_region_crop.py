import pytest
import torch

from bmdpipe.pairs.region import crop_regions


def test_the_square_holds_the_femur_with_its_margin():
    image, pf = torch.zeros(1, 60, 40), torch.zeros(1, 60, 40)
    pf[0, 20:40, 10:20] = 1  # 20 high, centre (x 15, y 30): a square of 24 at margin 0.1
    image[0, 18:42, 3:27] = 1
    region = crop_regions(image, pf, 24, margin=0.1)
    torch.testing.assert_close(region, torch.ones(1, 24, 24))
    image[0, 17, :] = 9
    torch.testing.assert_close(crop_regions(image, pf, 24, margin=0.1), torch.ones(1, 24, 24))


def test_beyond_the_radiograph_is_zero():
    image, pf = torch.ones(1, 20, 20), torch.zeros(1, 20, 20)
    pf[0, 0:10, 0:10] = 1
    region = crop_regions(image, pf, 12, margin=0.1)[0]
    assert not region[0].any()
    assert not region[:, 0].any()
    assert region[1:, 1:].all()


def test_an_empty_projection_is_refused():
    with pytest.raises(ValueError, match="empty"):
        crop_regions(torch.ones(1, 8, 8), torch.zeros(1, 8, 8), 8, 0.1)
