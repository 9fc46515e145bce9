"""A real CT with metal on one side and a cut femur on the other, and another model's label map.

The data are not in the repository; see their licence and source in docs/segmentation.md.
"""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.imaging.ct import ct_from_volume
from bmdpipe.imaging.metal import metal_sides
from bmdpipe.imaging.nifti import read_foreign
from bmdpipe.imaging.orientation import labels_on
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.segmentation.given import given_bones, own_labels
from bmdpipe.segmentation.mask_tables import TABLES
from tests.imaging.series import REAL_DATA

FOLDER = REAL_DATA / "totalsegmentator_example"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the example of TotalSegmentator is not beside the checkout"
)
CONFIG = SegmentationConfig(mask_table="totalsegmentator-v1")


@pytest.fixture(scope="module")
def ct() -> Volume:
    volume = read_foreign(FOLDER / "example_ct.nii.gz", "HU", "TS")
    return ct_from_volume(volume, "TS", ImagingConfig()).volume


@pytest.fixture(scope="module")
def masks(ct: Volume) -> Volume:
    return labels_on(read_foreign(FOLDER / "example_seg.nii.gz", "label", "TS"), ct, "TS")


def test_the_left_hip_is_refused_for_metal(ct: Volume) -> None:
    """What the import refuses a subject by, whose side it is."""
    assert metal_sides(ct) == ("L",)


def test_the_right_femur_is_refused_for_the_cut(ct: Volume, masks: Volume) -> None:
    with pytest.raises(CaseError, match="below the top of the femur_r") as caught:
        given_bones(masks, ct, "TS", "R", CONFIG)
    assert caught.value.code == "E_FOV"


def test_with_its_own_label_map_the_pelvis_is_projected(ct: Volume, masks: Volume) -> None:
    """The mass of the pelvis' density reappears in its projection: nearly parallel rays, and no
    more than the perspective's enlargement lost."""
    labels = own_labels(masks, TABLES["totalsegmentator-v1"])
    counts = np.bincount(labels.array.ravel(), minlength=4)
    assert counts[PELVIS] > counts[FEMUR_R] > 0
    assert counts[FEMUR_L] > 0
    density = ct.like(np.clip(ct.array.astype(np.float32), 0, 1500), "mg/cm3")
    pelvis = labels.array == PELVIS
    body = Body.from_volume(density, pelvis)
    camera = Camera.centred(1e5, (2.0, 2.0), (220, 220))
    centre = ct.world_at(np.argwhere(pelvis).mean(axis=0)[::-1])
    pose = ap_pose(centre, camera, sod_mm=1e5 - 500)
    shadow = density_projection([(body, pose)], camera)
    mass = density.array[pelvis].sum() * ct.voxel_mm3 / 1000
    assert shadow.sum() * 4.0 / 100 == pytest.approx(mass, rel=0.03)
    assert shadow[[0, -1]].max() == 0
