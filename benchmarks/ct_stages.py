"""Seconds and peak memory of one CT through calibrate, segment and roi, on two cores.

`python benchmarks/ct_stages.py <results folder> <cohort> <subject> [network folder]` takes the
subject's import from a finished run and writes nothing into it. Bones are those of the import's
label map (a virtual subject's annotation); with the folder of a trained network (as
`segmentation.trained` names it) the network segments too, every 2 mm with ten passes, and roi works
on what it found. Each stage is a process of its own, so that its peak is its own; a first run
of what compiles is not counted. `cpu_seconds` are those of both cores together, which other work on
the machine hardly changes. Ends with JSON, the machine's load in it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CORES = 2
PASSES, SLICE_MM = 10, 2.0
COMPILED = ("calibrate", "roi")


def calibrate_stage(imported: Path, work: Path, _: str) -> None:
    from bmdpipe.core.atomic import write_json
    from bmdpipe.core.config.calibration import CalibrationConfig
    from bmdpipe.core.files import CALIBRATION, CT, DENSITY, QC
    from bmdpipe.densitometry.calibration import calibrate
    from bmdpipe.densitometry.calibration_line import density_volume
    from bmdpipe.densitometry.calibration_picture import draw_calibration
    from bmdpipe.imaging.nifti import read_volume, write_volume

    ct = read_volume(imported / CT)
    line, rods = calibrate(ct, CalibrationConfig(), imported.name)
    write_json(work / CALIBRATION, line.to_json())
    draw_calibration(work / QC, ct, line, rods)
    write_volume(work / DENSITY, density_volume(ct, line))


def segment_stage(imported: Path, work: Path, network_folder: str) -> None:
    from bmdpipe.core.atomic import read_json
    from bmdpipe.core.config.segmentation import SegmentationConfig, SegmentationPrediction
    from bmdpipe.core.device import pick_device
    from bmdpipe.core.files import CT, LABELS, MODEL, QUALITY, SUBJECT, WEIGHTS
    from bmdpipe.imaging.nifti import read_volume, write_volume
    from bmdpipe.segmentation.quality import QualityLine
    from bmdpipe.segmentation.saved import restore
    from bmdpipe.segmentation.subject import segment_subject

    folder = Path(network_folder)
    net, network = restore(folder / WEIGHTS, read_json(folder / MODEL))
    lines = read_json(folder / QUALITY)["lines"]
    quality = {name: QualityLine(**line) for name, line in lines.items()}
    prediction = SegmentationPrediction(passes=PASSES, slice_mm=SLICE_MM)
    config = SegmentationConfig(prediction=prediction)
    ct, side = read_volume(imported / CT), read_json(imported / SUBJECT)["side"]
    device = pick_device("cpu")
    found = segment_subject(net, ct, imported.name, side, network, quality, config, device)
    write_volume(work / LABELS, found.labels)


def roi_stage(imported: Path, work: Path, _: str) -> None:
    from bmdpipe.core.atomic import read_json
    from bmdpipe.core.config.roi import RoiConfig
    from bmdpipe.core.files import DENSITY, EXPERT_LABELS, LABELS, SUBJECT
    from bmdpipe.core.labels import SIDES
    from bmdpipe.densitometry.femur import find_landmarks
    from bmdpipe.densitometry.proximal_femur import measure_femur
    from bmdpipe.imaging.nifti import read_volume

    given = work / LABELS
    labels = read_volume(given if given.exists() else imported / EXPERT_LABELS)
    density = read_volume(work / DENSITY)
    metal = read_json(imported / SUBJECT)["metal_sides"]
    for side in (side for side in SIDES if side not in metal):
        landmarks = find_landmarks(labels, side, imported.name)
        measure_femur(density, labels, side, landmarks, imported.name, RoiConfig())


STAGES: dict[str, Callable[[Path, Path, str], None]] = {
    "calibrate": calibrate_stage,
    "segment": segment_stage,
    "roi": roi_stage,
}


def once(stage: str, imported: Path, work: Path, network_folder: str) -> None:
    """In a process of its own: run a stage, print seconds and peak memory."""
    start = time.perf_counter()
    STAGES[stage](imported, work, network_folder)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_gb": used.ru_maxrss * 1024 / 1e9,
        "load": os.getloadavg()[0],
    }
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


def main(imported: Path, network_folder: str) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    threads = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    environment = os.environ | dict.fromkeys(threads, str(CORES))
    result = {}
    with tempfile.TemporaryDirectory() as work:
        for stage in STAGES:
            if stage == "segment" and not network_folder:
                continue
            command = [sys.executable, __file__, "--once", stage, str(imported), work]
            for _ in range(2 if stage in COMPILED else 1):
                done = subprocess.run(
                    [*command, network_folder],
                    check=True,
                    capture_output=True,
                    text=True,
                    env=environment,
                )
            result[stage] = json.loads(done.stdout.splitlines()[-1])
            print(f"{stage}: {result[stage]}", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        once(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
    else:
        root, cohort, subject = sys.argv[1:4]
        main(Path(root, cohort, "import", subject), sys.argv[4] if len(sys.argv) > 4 else "")
