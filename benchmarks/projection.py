"""Projection engines side by side, on one job, in one run.

`python benchmarks/projection.py [repeats]` times every engine that is installed in turn (so that a
busy machine slows all alike), each after an untimed call (so that none pays for the caches and
threads of the engine before it), prints medians in ms with the relative error to our exact engine
of the same model beside them, and ends with JSON: ratios to itk-rtk's Joseph projector, images and
scores per second in batches, working memory, the load. Peers on torch take seconds a call: one warm
call is timed, at two threads of the first view. Give it its cores with `taskset`.
docs/projection.md says how to install the peers; one that is not installed is named as missing.
`benchmarks/projection_tables.py` makes the page's tables of the output.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import projection_peers, projection_peers_torch
from benchmarks.projection_volumes import benchmark_volumes
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply
from bmdpipe.projection.body import Body
from bmdpipe.projection.native import engine as native
from bmdpipe.projection.projector import gradient_correlations, project
from bmdpipe.projection.rows import flat
from bmdpipe.registration.similarity import GradientCorrelation

CAMERA = Camera.centred(1200.0, (0.8, 0.8), (256, 512))
QUARTER = Camera.centred(1200.0, (3.4, 3.4), (120, 100))
"""The detector on which registration scores most of its poses."""
SOD_MM = 1000.0
VIEWS_DEG = {"ap": (0.0, 0.0, 0.0), "tilted": (8.0, -12.0, 5.0)}
THREADS = (1, 2)
BATCH = {"body": 16, "bones": 32, "femur": 256}
RTK, PLASTIMATCH = "itk-rtk joseph", "plastimatch exact"
SLOW, SLOW_RUNS = projection_peers_torch.PEERS, 1
EXACT = {"joseph": "native joseph", "siddon": "native siddon"}
PEERS = projection_peers.PEERS | projection_peers_torch.PEERS
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


def peers(volume: Volume, pose: NDArray) -> tuple[dict[str, Engine], dict[str, str]]:
    """Other people's engines, and why others are missing."""
    box = volume.crop(*bounding_slices(volume.array != 0, 3))
    found, missing = {}, {}
    for label, (_, made) in PEERS.items():
        try:
            found[label] = made(box, CAMERA, pose)
        except ImportError as error:
            missing[label] = str(error)
    return found, missing


def timed(run: Callable[..., object], *args: int) -> float:
    """Seconds by the clock, or as a program says of itself."""
    start = time.perf_counter()
    run(*args)
    return getattr(run, "seconds", time.perf_counter() - start)


def model_of(label: str) -> str:
    """The exact model, joseph or siddon, that an engine is compared with."""
    method = PEERS[label][0] if label in PEERS else OURS[label].get("method", "joseph")
    return "siddon" if method == "siddon" else "joseph"


def throughput(body: Body, poses: NDArray, repeats: int) -> dict[str, float]:
    """Images and scores per second at two threads, one image per thread."""
    measure, small = (
        GradientCorrelation.of(project(body, camera, poses[0]), 1.0) for camera in (CAMERA, QUARTER)
    )
    fast: dict[str, Any] = {"method": "factored", "fineness": "fast", "threads": 2}
    runs = {
        "images_per_s": lambda: project(body, CAMERA, poses, **fast),
        "exact_images_per_s": lambda: project(body, CAMERA, poses, threads=2),
        "scores_per_s": lambda: gradient_correlations(body, CAMERA, poses, measure, **fast),
        "small_scores_per_s": lambda: gradient_correlations(body, QUARTER, poses, small, **fast),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            run()
            taken[name].append(timed(run))
    return {name: round(len(poses) / statistics.median(t), 1) for name, t in taken.items()}


def compared(engines: dict[str, Engine], threads: int, repeats: int) -> dict[str, dict[str, Any]]:
    """Each engine's median ms, error to our exact image of its model, speed over RTK's."""
    exact = {model: engines[label](threads).copy() for model, label in EXACT.items()}
    errors = {}
    for label, run in engines.items():
        image, reference = run(threads), exact[model_of(label)]
        errors[label] = np.linalg.norm(image - reference) / np.linalg.norm(reference)
    taken: dict[str, list[float]] = {label: [] for label in engines}
    for turn in range(repeats):
        for label, run in engines.items():
            if label not in SLOW:
                run(threads)
            if label not in SLOW or turn < SLOW_RUNS:
                taken[label].append(timed(run, threads))
    rows = {}
    for label, times in taken.items():
        ms = 1e3 * statistics.median(times)
        rows[label] = {
            "ms": round(ms, 2),
            "runs": len(times),
            "error": float(f"{errors[label]:.2e}"),
        }
        for name, peer in (("rtk_over", RTK), ("plastimatch_over", PLASTIMATCH)):
            if peer in taken and (peer == RTK or model_of(label) == "siddon"):
                rows[label][name] = round(1e3 * statistics.median(taken[peer]) / ms, 2)
    return rows


def memory_over_body(body: Body) -> float:
    """What the native engine keeps beside the voxels, for rays along every axis."""
    stores = [body.store(axis) for axis in range(3)]
    notes = sum(s.runs.nbytes + s.blocks.nbytes for s in stores)
    return round((flat(stores[0].values).nbytes + notes) / flat(body.values).nbytes, 3)


def main(repeats: int) -> None:
    result: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "pinned": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg(),
    }
    print(f"load {os.getloadavg()[0]:.1f}, {len(os.sched_getaffinity(0))} cores for this process")
    for name, volume in benchmark_volumes().items():
        body, poses = Body.from_volume(volume), poses_of(volume, BATCH[name])
        share = np.count_nonzero(volume.array) / volume.array.size
        result[name] = {"occupied": round(share, 4)}
        for view, pose in zip(VIEWS_DEG, poses, strict=False):
            others, result["missing"] = peers(volume, pose)
            for threads in THREADS:
                left_out = {} if (view, threads) == ("ap", 2) else SLOW
                engines = ours(body, pose)
                engines |= {k: v for k, v in others.items() if k not in left_out}
                rows = compared(engines, threads, repeats)
                result[name][f"{view}_{threads}"] = rows
                print(f"{name}, {share:.1%} occupied, {view}, {threads} thread(s)")
                for label, row in rows.items():
                    ratios = "".join(
                        f"   {row[k]:6.2f} x {k[:-5]}" for k in row if k[-4:] == "over"
                    )
                    print(
                        f"  {label:26s} {row['ms']:9.2f} ms ({row['runs']})"
                        f"   error {row['error']:.1e}{ratios}",
                        flush=True,
                    )
        if native.available():
            result[name] |= throughput(body, poses[len(VIEWS_DEG) :], max(3, repeats // 2))
        result[name]["memory_over_body"] = memory_over_body(body)
    for label, why in result["missing"].items():
        print(f"missing: {label} ({why})")
    print(json.dumps(result | {"load_after": os.getloadavg()}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
