r"""Register virtual radiographs of known pose, from known starts and where it must fail.

    python docs/scripts/registration_cases.py results/full rows.jsonl \
        --subjects V001 V002 [--labels DIR]

Writes a JSON line per case and body. Cases: `nominal` (the workflow's own start), `near` and `far`
(starts drawn about the true pose), `lost` (much too far), and four that have no true pose: the next
subject's CT (`wrong patient`), the picture `turned` by 180 degrees, `mirrored`, and half of it
(`half`, which has one). Without `--labels` the true labels are roughened by `--rough-mm` (1 if not
given); with `--labels` only if it is given. Radiographs that the output has already are skipped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.files import DENSITY, RADIOGRAPH, SUBJECT, TRUE_DENSITY, TRUE_LABELS, TRUTH
from bmdpipe.core.labels import BODIES, femur_body
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.evaluation.stages.projection import true_femur
from bmdpipe.evaluation.stages.registration import pose_errors
from bmdpipe.evaluation.stages.subject import bodies_points
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, about, apply
from bmdpipe.imaging.exposed_field import exposed
from bmdpipe.imaging.nifti import read_image, read_meta, read_volume
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.registration.bones import Bone, prepare_bones
from bmdpipe.registration.film import Film
from bmdpipe.registration.register import Registration, register_radiograph

SPREADS = {
    "near": (10.0, 20.0, 50.0),
    "far": (20.0, 40.0, 100.0),
    "lost": (50.0, 150.0, 200.0),
}
"""Starts are uniform within these degrees, mm in plane and mm of depth about the true pose."""
ROUGH_MM = 1.0
POINTS = 2000
PF_PIXELS = 4


@dataclass(frozen=True)
class Case:
    name: str
    film: Film
    bones: dict[str, Bone]
    start: Matrix | None
    true_camera: Camera | None


def roughened(labels: Volume, sd_mm: float, rng: np.random.Generator) -> Volume:
    """The labels with their surfaces moved in and out by smooth noise of this deviation."""
    result = np.zeros_like(labels.array)
    spacing = labels.spacing_mm[::-1]
    for value in BODIES.values():
        mask = labels.array == value
        if not mask.any():
            continue
        box = bounding_slices(mask, 6)
        own = mask[box]
        outside = ndimage.distance_transform_edt(~own, sampling=spacing)
        inside = ndimage.distance_transform_edt(own, sampling=spacing)
        noise = rng.standard_normal([n // 4 + 1 for n in own.shape]).astype(np.float32)
        noise = ndimage.zoom(ndimage.gaussian_filter(noise, 1.0), 4, order=1)
        noise = noise[tuple(slice(n) for n in own.shape)]
        moved = (outside - inside) < sd_mm * noise / noise.std()
        part = result[box]
        part[moved & (part == 0)] = value
    return labels.like(result, labels.unit)


def start_near(pose: Matrix, bone: Bone, case: str, rng: np.random.Generator) -> Matrix:
    deg, mm, depth = SPREADS[case]
    shift = rng.uniform(-1, 1, 3) * [mm, mm, depth]
    return about(apply(pose, bone.centre_mm), rng.uniform(-deg, deg, 3), shift) @ pose


def cases_of(
    film: Film,
    bones: dict[str, Bone],
    wrong: dict[str, Bone] | None,
    pelvis: Matrix,
    true_camera: Camera,
    counts: dict[str, int],
    rng: np.random.Generator,
) -> Iterator[Case]:
    """`pelvis` is the true pose in the true camera."""
    plain = Case("nominal", film, bones, None, true_camera)
    image = film.radiograph
    for name, count in counts.items():
        for _ in range(count):
            if name == "nominal":
                yield plain
            elif name in SPREADS:
                start = start_near(pelvis, bones["pelvis"], name, rng)
                yield replace(plain, name=name, start=start)
            elif name == "wrong patient" and wrong is not None:
                yield replace(plain, name=name, bones=wrong, true_camera=None)
            elif name in ("turned", "mirrored"):
                array = image.array[::-1, ::-1] if name == "turned" else image.array[:, ::-1]
                turned = replace(film, radiograph=image.like(array.copy(), image.unit))
                yield replace(plain, name=name, film=turned, true_camera=None)


def rows_of(
    case: Case, truth: dict[str, Any], points: dict[str, NDArray], found: Registration
) -> Iterator[dict[str, Any]]:
    for body, pose in found.bodies.items():
        row = {
            "case": case.name,
            "body": body,
            "ok": pose.ok,
            "confidence": pose.confidence,
            **asdict(pose.signs),
            "evaluations": pose.evaluations,
            "success": False,
        }
        if case.true_camera is not None and body in points:
            true_pose = np.asarray(truth["camera_from_ct"][body])
            errors = pose_errors(
                found.camera, pose.camera_from_ct, case.true_camera, true_pose, points[body]
            )
            row |= errors | {"success": errors["reprojection_median_mm"] < 1.0}
        side = {"femur_r": "R", "femur_l": "L"}.get(body)
        if case.true_camera is not None and side in found.joints:
            true_angles = truth["joints_deg"][side]
            own = asdict(found.joints[side])
            row |= {f"{k}_error_deg": own[k] - true_angles[k] for k in own}
        yield row


def pf_error_percent(
    femur: Body, camera: Camera, pose: Matrix, true_camera: Camera, true_pose: Matrix
) -> float:
    """The mean of the proximal femur's projection at the found pose against the true pose; -100
    where the found one is not seen at all."""
    means = []
    for view, at in ((camera, pose), (true_camera, true_pose)):
        width, height = view.size_px
        image = density_projection(
            [(femur, at)], view.resized((width // PF_PIXELS, height // PF_PIXELS))
        )
        means.append(float(image.sum() / max((image > 0).sum(), 1)))
    return 100.0 * (means[0] / means[1] - 1.0)


def run_subject(
    root: Path,
    subject: str,
    names: Sequence[str],
    bones: dict[str, Bone],
    wrong: dict[str, Bone] | None,
    args: Any,
) -> Iterator[list[dict[str, Any]]]:
    """The rows of each of the named radiographs."""
    config = args.config
    truth = read_json(root / "simulate" / subject / TRUTH)
    true_labels = read_volume(root / "simulate" / subject / TRUE_LABELS)
    side = read_json(root / "import" / subject / SUBJECT)["side"]
    points = bodies_points(true_labels, POINTS)
    femur = true_femur(
        read_volume(root / "simulate" / subject / TRUE_DENSITY), true_labels, truth, side
    )
    for name in names:
        rows = []
        path = root / "import" / subject / RADIOGRAPH.format(radiograph=name)
        image, meta, true = read_image(path), read_meta(path), truth["radiographs"][name]
        seen = image.like(
            np.where(exposed(image, meta["field_px"]), image.array, np.nan), image.unit
        )
        true_camera = Camera.from_json(true["camera"])
        camera = true_camera if args.known_source else Camera.from_json(meta["camera"])
        known = args.known_source or meta["sdd_source"] == "header"
        rng = np.random.default_rng([args.seed, *subject.encode(), *name.encode()])
        pelvis = np.asarray(true["camera_from_ct"]["pelvis"])
        film = Film(seen, camera, config, known)
        for case in cases_of(film, bones, wrong, pelvis, true_camera, args.counts, rng):
            begin, cpu = time.perf_counter(), time.process_time()
            found = register_radiograph(case.film, case.bones, rng, case.start)
            cost = {"seconds": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}
            for row in rows_of(case, true, points, found):
                own = femur_body(side)
                if row["body"] == own and case.true_camera is not None:
                    pose, true_pose = found.bodies[own].camera_from_ct, true["camera_from_ct"][own]
                    row["pf_error_percent"] = pf_error_percent(
                        femur, found.camera, pose, true_camera, np.asarray(true_pose)
                    )
                rows.append({"subject": subject, "positioning": name, **row, **cost})
        yield rows


def segmented(root: Path, subject: str, args: Any) -> Volume:
    """The labels that the moving bones are cut out with."""
    if args.labels is None:
        labels = read_volume(root / "simulate" / subject / TRUE_LABELS)
    else:
        labels = read_volume(args.labels / f"{subject}.nii.gz")
    sd_mm = args.rough_mm
    if sd_mm is None:
        sd_mm = ROUGH_MM if args.labels is None else 0.0
    if sd_mm == 0:
        return labels
    return roughened(labels, sd_mm, np.random.default_rng([args.seed, *subject.encode()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--subjects", nargs="+", required=True)
    parser.add_argument("--labels", type=Path, help="folder of <subject>.nii.gz")
    parser.add_argument("--rough-mm", type=float, help="roughen the labels by this deviation")
    parser.add_argument("--counts", type=json.loads, default={"nominal": 1})
    parser.add_argument(
        "--config", type=registration_section, default="{}", help="registration section, JSON"
    )
    parser.add_argument("--known-source", action="store_true", help="use the true camera")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    done = set()
    if args.output.exists():
        rows = [json.loads(line) for line in args.output.read_text("utf-8").splitlines()]
        done = {(row["subject"], row["positioning"]) for row in rows}
    wrong = None
    with args.output.open("a", encoding="utf-8") as stream:
        for subject in args.subjects:
            folder = args.root / "import" / subject / Path(RADIOGRAPH).parent
            names = [path.name.removesuffix(".nii.gz") for path in sorted(folder.glob("*.nii.gz"))]
            names = [name for name in names if (subject, name) not in done]
            density = read_volume(args.root / "calibrate" / subject / DENSITY)
            bones = prepare_bones(density, segmented(args.root, subject, args), args.config)
            for side in read_json(args.root / "import" / subject / SUBJECT)["metal_sides"]:
                bones.pop(femur_body(side), None)  # as the workflow does
            for rows in run_subject(args.root, subject, names, bones, wrong, args):
                stream.writelines(json.dumps(row, default=float) + "\n" for row in rows)
                stream.flush()
            wrong = bones


def registration_section(text: str) -> RegistrationConfig:
    return RegistrationConfig(**json.loads(text))


if __name__ == "__main__":
    main()
