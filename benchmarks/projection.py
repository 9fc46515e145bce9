"""Projection engines side by side, on one job, in one run.

`python benchmarks/projection.py [repeats]` times every engine that is installed in turn (so that a
busy machine slows all alike), prints medians in ms with the relative error beside them, and ends
with JSON: ratios to itk-rtk's Joseph projector, images per second in batches, working memory.
Give it its cores with `taskset`; final figures need an idle machine. Optional peers: the extra
`rtk` (itk, itk-rtk).
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.projection_volumes import benchmark_volumes
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply, inverse
from bmdpipe.projection.body import Body
from bmdpipe.projection.native import engine as native
from bmdpipe.projection.projector import gradient_correlations, project
from bmdpipe.projection.rows import flat
from bmdpipe.registration.similarity import GradientCorrelation

CAMERA = Camera.centred(1200.0, (0.8, 0.8), (256, 512))
SOD_MM = 1000.0
VIEWS_DEG = {"ap": (0.0, 0.0, 0.0), "tilted": (8.0, -12.0, 5.0)}
THREADS = (1, 2)
BATCH = {"body": 16, "bones": 32, "femur": 256}
RTK = "itk-rtk joseph"
Engine = Callable[[int], NDArray]


def poses_of(volume: Volume, n: int) -> NDArray[np.float64]:
    """The views onto the middle of what is there, and `n` more around the first."""
    box = volume.crop(*bounding_slices(volume.array != 0))
    centre = box.world_at((np.array(box.size) - 1) / 2)
    start = ap_pose(centre, CAMERA, SOD_MM)
    rng = np.random.default_rng(0)
    views = np.array(list(VIEWS_DEG.values()))
    turns = np.concatenate([views, rng.uniform(-10, 10, (n, 3))])
    shifts = np.concatenate([np.zeros_like(views), rng.uniform(-10, 10, (n, 3))])
    return about(apply(start, centre), turns, shifts) @ start


OURS: dict[str, dict[str, Any]] = {
    "native joseph": {"engine": "native"},
    "native siddon": {"engine": "native", "method": "siddon"},
    "native factored fast": {"engine": "native", "method": "factored", "fineness": "fast"},
    "native factored standard": {"engine": "native", "method": "factored"},
    "native factored fine": {"engine": "native", "method": "factored", "fineness": "fine"},
    "numba joseph": {"engine": "numba"},
    "numba siddon": {"engine": "numba", "method": "siddon"},
    "numba factored standard": {"engine": "numba", "method": "factored"},
}


def ours(body: Body, pose: NDArray) -> dict[str, Engine]:
    def engine(options: dict[str, Any]) -> Engine:
        return lambda threads: project(body, CAMERA, pose, threads=threads, **options)

    return {
        label: engine(options)
        for label, options in OURS.items()
        if options["engine"] != "native" or native.available()
    }


def rtk(volume: Volume, pose: NDArray) -> Engine:
    """itk-rtk's Joseph projector; the volume is cropped to what is there, to be fair.

    Three voxels stay around it: RTK weighs a ray's first and last sample in the box by the part of
    a step that lies in it, which differs from Joseph's sum where the box is tight.
    """
    import itk
    from itk import RTK as toolkit

    kind = itk.Image[itk.F, 3]
    box = volume.crop(*bounding_slices(volume.array != 0, 3))
    image = itk.image_from_array(np.ascontiguousarray(box.array, np.float32))
    image.SetSpacing(list(box.spacing_mm))
    image.SetOrigin(list(box.origin_mm))
    back = inverse(pose)
    detector = back[:3, :3] @ [0, 0, CAMERA.sdd_mm] + back[:3, 3]
    geometry = toolkit.ThreeDCircularProjectionGeometry.New()
    geometry.AddProjection(*[v.tolist() for v in (back[:3, 3], detector, back[:3, 0], back[:3, 1])])
    (cu, cv), (su, sv) = CAMERA.principal_point_px, CAMERA.spacing_mm
    empty = toolkit.ConstantImageSource[kind].New()
    empty.SetOrigin([-cu * su, -cv * sv, 0.0])
    empty.SetSpacing([su, sv, 1.0])
    empty.SetSize([*CAMERA.size_px, 1])
    empty.Update()
    projector = toolkit.JosephForwardProjectionImageFilter[kind, kind].New()
    projector.SetInput(0, empty.GetOutput())
    projector.SetInput(1, image)
    projector.SetGeometry(geometry)
    held = (image, geometry, empty)  # the pipeline does not own its inputs

    def run(threads: int) -> NDArray:
        projector.SetNumberOfWorkUnits(threads)
        projector.GetMultiThreader().SetMaximumNumberOfThreads(threads)
        projector.Modified()
        projector.Update()
        return itk.array_from_image(projector.GetOutput())[0] if held else np.empty(0)

    return run


def timed(run: Callable[..., object], *args: int) -> float:
    start = time.perf_counter()
    run(*args)
    return time.perf_counter() - start


def throughput(body: Body, poses: NDArray, repeats: int) -> dict[str, float]:
    """Images and scores per second at two threads, one image per thread."""
    measure = GradientCorrelation.of(project(body, CAMERA, poses[0]), 1.0)
    fast: dict[str, Any] = {"method": "factored", "fineness": "fast", "threads": 2}
    runs = {
        "images_per_s": lambda: project(body, CAMERA, poses, **fast),
        "exact_images_per_s": lambda: project(body, CAMERA, poses, threads=2),
        "scores_per_s": lambda: gradient_correlations(body, CAMERA, poses, measure, **fast),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            taken[name].append(timed(run))
    return {name: round(len(poses) / statistics.median(t), 1) for name, t in taken.items()}


def compared(engines: dict[str, Engine], threads: int, repeats: int) -> dict[str, dict[str, float]]:
    """Each engine's median ms, error to the first one's image, and speed over RTK's."""
    exact = next(iter(engines.values()))(threads).copy()
    errors = {
        label: np.linalg.norm(run(threads) - exact) / np.linalg.norm(exact)
        for label, run in engines.items()
    }
    taken: dict[str, list[float]] = {label: [] for label in engines}
    for _ in range(repeats):
        for label, run in engines.items():
            taken[label].append(timed(run, threads))
    rows = {}
    for label, times in taken.items():
        ms = 1e3 * statistics.median(times)
        rows[label] = {"ms": round(ms, 2), "error": float(f"{errors[label]:.2e}")}
        if RTK in taken:
            rows[label]["rtk_over"] = round(1e3 * statistics.median(taken[RTK]) / ms, 1)
    return rows


def memory_over_body(body: Body) -> float:
    """What the native engine keeps beside the voxels, for rays along every axis."""
    stores = [body.store(axis) for axis in range(3)]
    notes = sum(s.runs.nbytes + s.blocks.nbytes for s in stores)
    return round((flat(stores[0].values).nbytes + notes) / flat(body.values).nbytes, 3)


def main(repeats: int) -> None:
    peers = importlib.util.find_spec("itk") is not None
    result: dict[str, dict[str, Any]] = {}
    for name, volume in benchmark_volumes().items():
        body, poses = Body.from_volume(volume), poses_of(volume, BATCH[name])
        share = np.count_nonzero(volume.array) / volume.array.size
        result[name] = {"occupied": round(share, 4)}
        for view, pose in zip(VIEWS_DEG, poses, strict=False):
            engines = ours(body, pose)
            if peers:
                engines[RTK] = rtk(volume, pose)
            for threads in THREADS:
                rows = compared(engines, threads, repeats)
                result[name][f"{view}_{threads}"] = rows
                print(f"{name}, {share:.1%} occupied, {view}, {threads} thread(s)")
                for label, row in rows.items():
                    times = f"   {row['rtk_over']:5.1f} x RTK" if peers else ""
                    print(f"  {label:26s} {row['ms']:9.2f} ms   error {row['error']:.1e}{times}")
        if native.available():
            result[name] |= throughput(body, poses[len(VIEWS_DEG) :], max(3, repeats // 2))
        result[name]["memory_over_body"] = memory_over_body(body)
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
