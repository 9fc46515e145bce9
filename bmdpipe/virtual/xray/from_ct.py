"""A plain radiograph of any CT at a known pose: the whole body, not only its bones.

What the beam passes comes from the CT's Hounsfield units; scatter, detector, exposure control and
processing are those of the virtual X-ray rooms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.xray import RadiographConfig
from bmdpipe.core.image import Image
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import Matrix, apply
from bmdpipe.imaging.body_mask import body_mask
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.virtual.xray.collimation import Field, open_field
from bmdpipe.virtual.xray.ct_materials import MG_PER_G, material_volumes
from bmdpipe.virtual.xray.equipment import Room
from bmdpipe.virtual.xray.exposure_control import Technique
from bmdpipe.virtual.xray.room import Arrangement, energy_per_mas, processed, read_out

NOMINAL_MG_PER_HU = 0.8
"""(mg/cm3)/HU of a clinical scanner, for a CT without calibration."""
HALF_DEPTH_MM, HALF_WIDTH_MM = 110.0, 190.0
"""Of a body around its bones' centre (own choice)."""
MATERIALS = ("muscle", "adipose", "apatite", "titanium")


@dataclass(frozen=True)
class CtRadiograph:
    """The picture in 0 to 1, bone bright, the patient's left on the image's right, with what is
    known of it: camera and pose of the whole body, and how it was exposed."""

    image: Image
    camera: Camera
    camera_from_ct: Matrix
    field: Field
    technique: Technique


def radiograph_from_ct(
    hu: Volume,
    camera: Camera,
    camera_from_ct: Matrix,
    room: Room,
    settings: RadiographConfig,
    rng: np.random.Generator,
    *,
    mg_per_hu: float = NOMINAL_MG_PER_HU,
    field: Field | None = None,
) -> CtRadiograph:
    """Expose the patient of a CT, without its table. `mg_per_hu` is the calibration's slope.

    Rays that leave the CT at its ends meet air there: `covered_field` collimates to the others. The
    field is open if None. Raises ValueError if the CT holds no tissue.
    """
    setup = Arrangement(room, field or open_field(camera), 0.0, marked=False)
    masses = areal_masses(hu, body_mask(hu), camera, camera_from_ct, mg_per_hu)
    hard = masses[2:] if masses[3].any() else masses[2:3]
    energy, _ = energy_per_mas(setup, camera, masses[:2], hard, rng)
    reading, technique = read_out(settings, setup, camera, energy, rng)
    picture, _ = processed(setup, camera, reading)
    image = Image(picture, camera.spacing_mm, "attenuation")
    return CtRadiograph(image, camera, camera_from_ct, setup.field, technique)


def areal_masses(
    hu: Volume,
    inside: NDArray[np.bool_],
    camera: Camera,
    camera_from_ct: Matrix,
    mg_per_hu: float,
) -> NDArray[np.float32]:
    """`[4, y, x]`: muscle, adipose tissue, apatite and titanium along each ray, g/cm2."""
    width, height = camera.size_px
    masses = np.zeros((len(MATERIALS), height, width), np.float32)
    for name, volume in material_volumes(hu, inside, mg_per_hu):
        body = Body.from_volume(volume, storage="int16")
        mass = density_projection([(body, camera_from_ct)], camera)
        masses[MATERIALS.index(name)] = mass / np.float32(MG_PER_G)
    return masses


def bones_centre(labels: Volume) -> NDArray[np.float64]:
    """Where a hip radiograph of a label map's bones is centred: between left and right, front and
    back, half way up."""
    z, y, x = bounding_slices(labels.array != 0)
    first, last = (x.start, y.start, z.start), (x.stop - 1, y.stop - 1, z.stop - 1)
    return labels.world_at((np.array(first) + np.array(last)) / 2.0)


def covered_field(hu: Volume, centre_mm: NDArray, camera: Camera, camera_from_ct: Matrix) -> Field:
    """The rows in which every ray through a body about `centre_mm` stays within the CT, as the
    field of a collimator."""
    x, y = HALF_WIDTH_MM, HALF_DEPTH_MM
    edge = np.array([(sx * x, sy * y, 0.0) for sx in (-1, 1) for sy in (-1, 1)])
    rows = []
    for k in (hu.size[2] - 1, 0):
        height_mm = float(hu.world_at(np.array([0, 0, k]))[2])
        plane = edge + np.array([centre_mm[0], centre_mm[1], height_mm])
        rows.append(camera.pixels_of(apply(camera_from_ct, plane))[:, 1])
    width, height = camera.size_px
    top, bottom = max(float(rows[0].max()), -0.5), min(float(rows[1].min()), height - 0.5)
    return Field((-0.5, top, width - 0.5, bottom), 0.0, True)


def frontal_view(
    hu: Volume,
    centre_mm: NDArray,
    settings: RadiographConfig,
    spacing_mm: float,
    width_px: int,
) -> tuple[Camera, Matrix]:
    """An upright antero-posterior view at the room's distances with `centre_mm` in the middle, as
    high as the CT covers for rays through the whole depth of a body."""
    low, high = (float(hu.world_at(np.array([0, 0, k]))[2]) for k in (0, hu.size[2] - 1))
    reach = min(high - float(centre_mm[2]), float(centre_mm[2]) - low)
    magnified = settings.sdd_mm / (settings.sod_mm + HALF_DEPTH_MM)
    height_px = min(int(2.0 * reach * magnified / spacing_mm), width_px)
    camera = Camera.centred(settings.sdd_mm, (spacing_mm, spacing_mm), (width_px, height_px))
    return camera, ap_pose(centre_mm, camera, settings.sod_mm)
