"""How the projectors' time grows with voxels, pixels, batch and threads, and how far it is from
what the machine could do at best.

`taskset -c 0-3 python benchmarks/projection_growth.py [repeats] [picture.png]` prints fitted
exponents and ends with JSON. All sizes of a series are timed in turn and the best time of
each counts; the load is printed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine_limits import limits
from benchmarks.projection import CAMERA, poses_of
from benchmarks.projection_volumes import benchmark_volumes
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import project
from bmdpipe.projection.rays import Rays
from bmdpipe.projection.views import views_of

METHODS: dict[str, dict[str, Any]] = {
    "joseph": {"method": "joseph"},
    "siddon": {"method": "siddon"},
    "factored": {"method": "factored", "fineness": "standard"},
}
SHARES = (0.35, 0.5, 0.7, 1.0)
"""Of the voxels along each axis."""
PIXELS = ((64, 128), (128, 256), (256, 512), (512, 1024))
BATCHES = (1, 2, 4, 8, 16, 32)
THREADS = 2
FLOP_PER_SAMPLE = 9
"""Three interpolations and a sum as multiply-adds (7) and the place in two axes (2)."""
COLOURS = {"joseph": "#1b5e9b", "siddon": "#9b4a1b", "factored": "#2b7a3b"}


def coarser(volume: Volume, share: float) -> Volume:
    """The nearest voxels of a grid with `share` of the voxels along each axis."""
    picks = [np.floor((np.arange(round(n * share)) + 0.5) / share).astype(int) for n in volume.size]
    x, y, z = picks
    step = np.array(volume.spacing_mm) / share
    start = np.array(volume.origin_mm) - np.array(volume.spacing_mm) / 2 + step / 2
    return Volume(volume.array[np.ix_(z, y, x)], tuple(step), tuple(start), volume.unit)


def series(volumes: dict[str, Volume]) -> dict[str, dict[float, Callable[[dict], object]]]:
    """By what grows: the size, and the run of that size with a method's options."""
    body, poses = Body.from_volume(volumes["body"]), poses_of(volumes["body"], 0)
    femur = Body.from_volume(volumes["femur"])
    many = poses_of(volumes["femur"], max(BATCHES))
    smaller = [Body.from_volume(coarser(volumes["body"], share)) for share in SHARES]

    def run(body: Body, camera: Camera, poses: Any, threads: int) -> Callable[[dict], object]:
        return lambda options: project(body, camera, poses, threads=threads, **options)

    cores = len(os.sched_getaffinity(0))
    sizes = [(width, height) for width, height in PIXELS]
    return {
        "voxels": {float(b.values.size): run(b, CAMERA, poses[0], THREADS) for b in smaller},
        "pixels": {
            float(w * h): run(body, CAMERA.resized((w, h)), poses[0], THREADS) for w, h in sizes
        },
        "batch (one femur)": {float(n): run(femur, CAMERA, many[:n], THREADS) for n in BATCHES},
        "threads (one image)": {
            float(n): run(body, CAMERA, poses[0], n) for n in range(1, cores + 1)
        },
        "threads (32 images)": {float(n): run(femur, CAMERA, many, n) for n in range(1, cores + 1)},
    }


def timed_series(
    runs: dict[float, Callable[[dict], object]], options: dict, repeats: int
) -> dict[float, float]:
    """Best ms by size: of a growth, what others do on the machine is no part."""
    taken: dict[float, list[float]] = {size: [] for size in runs}
    for turn in range(repeats + 1):
        for size, run in runs.items():
            start = time.perf_counter()
            run(options)
            if turn:  # the first call makes what is kept
                taken[size].append(1e3 * (time.perf_counter() - start))
    return {size: min(times) for size, times in taken.items()}


def exponent(times: dict[float, float]) -> float:
    """Of the power law that fits best: time ~ size ** exponent."""
    return float(np.polyfit(np.log(list(times)), np.log(list(times.values())), 1)[0])


def least_work(volume: Volume) -> dict[str, float]:
    """Bytes of occupied voxels as int16, and samples of Joseph's method that meet one."""
    occupied = volume.like((volume.array != 0).astype(np.int16), "1")
    body, pose = Body.from_volume(occupied), poses_of(volume, 0)[0]
    width, height = CAMERA.size_px
    rays = Rays.of(views_of(body, CAMERA, pose[None])[0], height, width)
    per_slice = np.linalg.norm(rays.ends_mm, axis=-1) / np.abs(rays.direction).max(axis=-1)
    samples = (project(body, CAMERA, pose) / per_slice).sum(dtype=np.float64)
    return {"bytes": 2.0 * np.count_nonzero(volume.array), "samples": float(samples)}


def distances(
    volumes: dict[str, Volume], machine: dict[str, float], repeats: int
) -> dict[str, dict[str, float]]:
    """Measured ms, the limits' ms, and how many times the larger limit is exceeded."""
    result = {}
    for name, volume in volumes.items():
        body, pose, work = Body.from_volume(volume), poses_of(volume, 0)[0], least_work(volume)
        memory = work["bytes"] / machine["gb_per_s"] / 1e6
        arithmetic = FLOP_PER_SAMPLE * work["samples"] / machine["gflop_per_s"] / 1e6
        row = {"memory_ms": memory, "arithmetic_ms": arithmetic}
        for label, options in METHODS.items():
            runs = {1.0: lambda o, b=body, p=pose: project(b, CAMERA, p, threads=THREADS, **o)}
            row[f"{label}_ms"] = timed_series(runs, options, repeats)[1.0]
            row[f"{label}_over_limit"] = row[f"{label}_ms"] / max(memory, arithmetic)
        result[name] = {key: round(value, 2) for key, value in row.items()}
    return result


def picture(grown: dict[str, dict[str, dict[float, float]]], path: Path) -> None:
    figure = Figure(figsize=(16, 3.6), layout="constrained")
    for axes, (what, by_method) in zip(figure.subplots(1, len(grown)), grown.items(), strict=True):
        for label, times in by_method.items():
            sizes = list(times)
            axes.loglog(sizes, list(times.values()), "o-", color=COLOURS[label],
                        label=f"{label}, exponent {exponent(times):+.2f}")  # fmt: skip
        axes.set_xlabel(what)
        if max(sizes) < 100:
            axes.set_xticks(sizes, [f"{s:.0f}" for s in sizes])
            axes.minorticks_off()
        axes.grid(alpha=0.3, which="both")
        every = [ms for times in by_method.values() for ms in times.values()]
        axes.set_ylim(0.7 * min(every), 8 * max(every))  # room for the legend
        axes.legend(fontsize=8, loc="upper left")
    figure.axes[0].set_ylabel("milliseconds")
    figure.savefig(path, dpi=110)


def main(repeats: int, path: Path) -> None:
    volumes = benchmark_volumes()
    load = os.getloadavg()
    cores = len(os.sched_getaffinity(0))
    print(f"load {load[0]:.1f}, {cores} of {os.cpu_count()} cores for this process")
    grown = {
        what: {label: timed_series(runs, options, repeats) for label, options in METHODS.items()}
        for what, runs in series(volumes).items()
    }
    for what, by_method in grown.items():
        for label, times in by_method.items():
            row = ", ".join(f"{size:.3g}: {ms:.2f} ms" for size, ms in times.items())
            print(f"{what:18s} {label:9s} exponent {exponent(times):+.2f}   {row}")
    machine = {str(n): limits(n) for n in (1, THREADS)}
    far = distances(volumes, machine[str(THREADS)], repeats)
    picture(grown, path)
    fitted = {w: {m: round(exponent(t), 3) for m, t in g.items()} for w, g in grown.items()}
    print(
        json.dumps(
            {"date": time.strftime("%Y-%m-%d"), "load": load, "cores": cores,
             "exponents": fitted, "ms": grown,
             "machine": machine, "distance": far}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 11,
        Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images/projection_growth.png"),
    )
