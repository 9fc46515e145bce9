"""A small made-up pelvis with two femora in soft tissue, and radiographs of it at known poses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.config.registration import BodySearch, FemurSearch, Level, RegistrationConfig
from bmdpipe.core.image import Image
from bmdpipe.core.labels import BODIES, FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply
from bmdpipe.projection.body import Body
from bmdpipe.projection.joseph import project
from bmdpipe.registration.bones import Bone, prepare_bones
from bmdpipe.registration.film import Film

CAMERA = Camera.centred(1200.0, (1.7, 1.7), (250, 200))
CONFIG = RegistrationConfig(
    soft_tissue_mg_cm3=20.0,
    min_confidence=0.05,  # calibrated on bones from CTs; capsules fit their radiographs less well
    refinement_pixel_mm=(3.4, 1.7),
    pelvis=BodySearch(
        starts=2,
        levels=(Level(pixel_mm=6.8, population=40, sigma_deg=6, sigma_mm=10, sigma_depth_mm=30),),
    ),
    femur=FemurSearch(
        starts=4,  # so small a population needs them on femora that are nearly round
        levels=(Level(pixel_mm=3.4, population=40, sigma_deg=8, sigma_mm=2, sigma_depth_mm=5),),
    ),
)
HEADS = {FEMUR_R: np.array([-85.0, 0.0, 10.0]), FEMUR_L: np.array([88.0, 3.0, 8.0])}
WATER_PER_MM = 0.02


@dataclass(frozen=True)
class Patient:
    """`heads` are the centres that the femoral heads were made about, by label."""

    camera: Camera
    config: RegistrationConfig
    heads: dict[int, np.ndarray]
    density: Volume
    labels: Volume
    bones: dict[str, Bone]

    def true_poses(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """+-10 degrees, +-20 mm in plane, +-50 mm of depth; femora turned by up to 12 degrees."""
        start = ap_pose(self.bones["pelvis"].centre_mm, CAMERA, 1000.0)
        centre = apply(start, self.bones["pelvis"].centre_mm)
        shift = np.array([*rng.uniform(-20, 20, 2), rng.uniform(-50, 50)])
        poses = {"pelvis": about(centre, rng.uniform(-10, 10, 3), shift) @ start}
        for name, label in (("femur_r", FEMUR_R), ("femur_l", FEMUR_L)):
            head = apply(poses["pelvis"], HEADS[label])
            turn = rng.uniform(-12, 12, 3)
            poses[name] = about(head, turn, rng.normal(0, 0.5, 3)) @ poses["pelvis"]
        return poses

    def radiograph(self, poses: dict[str, np.ndarray], rng: np.random.Generator) -> Image:
        """Soft tissue fills the body; bone adds to it; with noise, scaled to about 0..1."""
        body = self.density.array > -500
        water = self.density.like(np.where(body, WATER_PER_MM, 0).astype(np.float32), "1/mm")
        image = project(Body.from_volume(water), CAMERA, poses["pelvis"])
        for name, label in BODIES.items():
            extra = self.density.array.astype(np.float32) * (WATER_PER_MM / 1000)
            bone = Body.from_volume(self.density.like(extra, "1/mm"), self.labels.array == label)
            image += project(bone, CAMERA, poses[name])
        image += rng.normal(0, 0.02, image.shape).astype(np.float32)
        low, high = np.percentile(image, [1, 99])
        return Image((image - low) / (high - low), CAMERA.spacing_mm, "attenuation")

    def film(self, image: Image) -> Film:
        return Film(image, self.camera, self.config)


@pytest.fixture(scope="session")
def patient() -> Patient:
    spacing = 2.5
    shape = (88, 64, 120)
    origin = np.array([-148.75, -78.75, -128.75])
    z, y, x = np.meshgrid(*[np.arange(n) * spacing for n in shape], indexing="ij")
    grid = np.stack([x, y, z], axis=-1) + origin

    def capsule(a, b, r0: float, r1: float):
        a, b = np.asarray(a, float), np.asarray(b, float)
        t = np.clip(((grid - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
        return np.linalg.norm(grid - a - t[..., None] * (b - a), axis=-1) - (r0 + t * (r1 - r0))

    labels = np.zeros(shape, np.uint8)
    depth = np.full(shape, 99.0)

    def add(label: int, *parts):
        distance = np.minimum.reduce(parts)
        inside = (distance < 0) & (labels == 0)
        labels[inside] = label
        depth[inside] = -distance[inside]

    for label, s in ((FEMUR_R, -1.0), (FEMUR_L, 1.0)):
        h = HEADS[label]
        neck = h + np.array([s * 38, -4, -28])
        add(
            label,
            capsule(h, h + np.array([0.1, 0, 0]), 22, 22),
            capsule(h, neck, 15, 17),
            capsule(neck, neck + np.array([s * 12, 14, 8 - s]), 15, 11),
            capsule(neck, neck + np.array([-s * 8, 6, -110]), 17, 13),
            capsule(
                neck + np.array([-s * 10, 12, -38]), neck + np.array([-s * 16, 14, -42]), 10, 8
            ),
        )
    r, left = HEADS[FEMUR_R], HEADS[FEMUR_L]
    sides = []
    for h, s in ((r, -1.0), (left, 1.0)):
        sides += [
            capsule(h + np.array([-s * 22, 4, 14]), h + np.array([s * 22, -14, 74 + 3 * s]), 17, 9),
            capsule(
                h + np.array([s * 22, -14, 74 + 3 * s]), h + np.array([-s * 40, 34, 70]), 9, 12
            ),
            capsule(h + np.array([-s * 28, -6, -4]), [s * 12, -28, -24], 11, 9),
            capsule(h + np.array([-s * 20, 16, 0]), h + np.array([-s * 24, 26, -48]), 15, 10),
            capsule(h + np.array([-s * 24, 26, -48]), [s * 14, -24, -34], 8, 7),
        ]
    sacrum = capsule([0, 34, 78], [2, 52, 10], 30, 10)
    capsules = [*sides, sacrum]
    for h in (r, left):  # the joint spaces
        capsules = [np.maximum(c, 25.0 - np.linalg.norm(grid - h, axis=-1)) for c in capsules]
    add(PELVIS, *capsules)

    rng = np.random.default_rng(5)
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    bone = np.where(depth < 4.0, 650.0, 180.0) * (1 + 1.5 * texture)
    body = (grid[..., 0] / 145) ** 2 + ((grid[..., 1] - 5) / 78) ** 2 < 1
    soft = np.where(body, 40.0, -800.0)
    density = np.where(labels > 0, bone, soft)
    density = ndimage.gaussian_filter(density, 0.4).astype(np.float32)
    triple = (float(origin[0]), float(origin[1]), float(origin[2]))
    volume = Volume(density, (spacing,) * 3, triple, "mg/cm3")
    label_map = volume.like(labels, "label")
    bones = prepare_bones(volume, label_map, CONFIG)
    return Patient(CAMERA, CONFIG, HEADS, volume, label_map, bones)
