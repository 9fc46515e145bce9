"""A real CT with metal on one side and a cut femur on the other, and another model's label map.

The data are not in the repository; see their licence and source in docs/segmentation.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.imaging.intake import Intake, take_in
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


def row(side: str) -> dict[str, Any]:
    """The example as a cohort's tables name it, with the other model's map for the bones."""
    ct, masks = (str(FOLDER / f"example_{name}.nii.gz") for name in ("ct", "seg"))
    subject = {"subject": "TS", "side": side, "ct": ct, "bone_labels": masks}
    return {"subject": subject, "radiographs": []}


@pytest.fixture(scope="module")
def taken() -> Intake:
    """What the import leaves of the right hip."""
    return take_in(row("R"), ImagingConfig())


def test_the_left_hip_is_refused_for_metal() -> None:
    with pytest.raises(CaseError, match="an implant on side L") as caught:
        take_in(row("L"), ImagingConfig())
    assert caught.value.code == "E_METAL"


def test_the_right_femur_is_refused_for_the_cut(taken: Intake) -> None:
    """The nail on the other side is marked and hinders nothing; the cut is what refuses."""
    assert taken.implants == ("L",)
    assert "W_METAL" in {warning.code for warning in taken.warnings}
    assert taken.masks is not None
    with pytest.raises(CaseError, match="below the top of the femur_r") as caught:
        given_bones(taken.masks, taken.scan.volume, "TS", "R", CONFIG)
    assert caught.value.code == "E_FOV"


def test_with_its_own_label_map_the_pelvis_is_projected(taken: Intake) -> None:
    """The mass of the pelvis' density reappears in its projection: nearly parallel rays, and no
    more than the perspective's enlargement lost."""
    assert taken.masks is not None
    ct = taken.scan.volume
    labels = own_labels(taken.masks, TABLES["totalsegmentator-v1"])
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
