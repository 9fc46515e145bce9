"""One training step of stage two beside the same step as it is commonly written, in one run.

`python benchmarks/training.py --config config/demo.yaml` trains a backbone by the config's
`training.decomposition` on made-up pairs: by bmdpipe's own loop, by a plain PyTorch step, and,
where MONAI is installed, by a step with MONAI's discriminators and adversarial loss. Blocks of
steps alternate, so that a busy machine slows all alike. Prints medians of images per second (of
the wall's and of the processor's), the peak memory of each in a process of its own, the share of a
step that the loader takes, and the same as JSON in the last line.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_peers import AugmentedPairs, MonaiStep, PlainStep, discriminators_of
from bmdpipe.core.config.loading import load_config
from bmdpipe.core.config.root import Config
from bmdpipe.core.device import pick_device
from bmdpipe.models.registry import check_size
from bmdpipe.pairs.augment import apply_geometry, apply_intensity, draw
from bmdpipe.pairs.normalise import ImageScale
from bmdpipe.training.data import ImagePairs
from bmdpipe.training.decomposition import train_decomposition
from bmdpipe.training.loop import frame_of, fresh
from bmdpipe.training.saved import new_discriminator, new_generator

STATUS, RESET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
N_IMAGES = 16
SCALE = ImageScale(radiograph_mean=0.0, radiograph_sd=1.0, density_mg_cm2=1000.0)
Steps = Callable[[int], None]


class Clock:
    """Wall and processor seconds from one step of a generator's optimiser to the next."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.stamps = device, list[tuple[float, float]]()
        self.watched: Tensor | None = None

    def __call__(self, optimiser: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        if optimiser.param_groups[0]["params"][0] is not self.watched:
            return
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.stamps.append((time.perf_counter(), time.process_time()))

    def seconds(self, run: Steps, first: Tensor, steps: int) -> list[tuple[float, float]]:
        """One pair per step; the block's first step is not counted."""
        self.watched = first
        self.stamps.clear()
        run(steps + 1)
        pairs = zip(self.stamps, self.stamps[1:], strict=False)
        return [(b[0] - a[0], b[1] - a[1]) for a, b in pairs]


def made_up_pairs(size_px: tuple[int, int]) -> ImagePairs:
    random = np.random.default_rng(0)
    shape = (N_IMAGES, size_px[1], size_px[0])
    radiographs = random.standard_normal(shape, dtype=np.float32)
    projections = 1000 * random.random(shape, dtype=np.float32)
    return ImagePairs(tuple(str(n) for n in range(N_IMAGES)), radiographs, projections)


def repeated(data: ImagePairs, n: int) -> ImagePairs:
    index = np.arange(n) % len(data)
    cases = tuple(data.cases[i] for i in index)
    return ImagePairs(cases, data.radiographs[index], data.projections[index])


def contender(
    name: str, backbone: str, config: Config, device: torch.device, workers: int
) -> tuple[Steps, Tensor]:
    """What runs a number of steps, and the first weights of its generator."""
    decomposition = config.training.decomposition.model_copy(update={"max_steps": None})
    generator = fresh(lambda: new_generator(backbone), 0)
    data = made_up_pairs(config.pairs.size_px)
    first = next(generator.parameters())
    if name == "ours":
        discriminator = fresh(lambda: new_discriminator(decomposition.discriminator), 1)

        def ours(steps: int) -> None:
            with tempfile.TemporaryDirectory() as state:
                train_decomposition(
                    generator,
                    discriminator,
                    repeated(data, steps * decomposition.batch_size),
                    SCALE,
                    1,
                    decomposition,
                    config.pairs.augmentation,
                    frame_of("stage_two", Path(state), config.training),
                )

        return ours, first
    kind = MonaiStep if name == "monai" else PlainStep
    peer = kind(
        generator,
        discriminators_of(decomposition, name == "monai"),
        AugmentedPairs(*_tensors(data), SCALE, config.pairs.augmentation, 10**9),
        decomposition,
        device,
        workers,
    )
    return lambda steps: [peer() for _ in range(steps)] and None, first


def _tensors(data: ImagePairs) -> tuple[Tensor, Tensor]:
    """Radiographs and projections `[n, 1, h, w]`, as a data set of the peers holds them."""
    everything = data.batch(torch.arange(len(data)), torch.device("cpu"))
    return everything[:, :1], everything[:, 1:]


def loader_seconds(config: Config, device: torch.device, repeats: int) -> float:
    """Median time in which our loop makes one batch: chosen, augmented and scaled on the device."""
    data, augmentation = made_up_pairs(config.pairs.size_px), config.pairs.augmentation
    random, taken = torch.Generator().manual_seed(0), []
    for _ in range(repeats):
        start = time.perf_counter()
        chosen = torch.randperm(len(data), generator=random)[
            : config.training.decomposition.batch_size
        ]
        drawn = draw(len(chosen), augmentation, random)
        moved = apply_geometry(data.batch(chosen, device), drawn)
        SCALE.radiograph_in(apply_intensity(moved[:, :1], drawn))
        SCALE.density_in(moved[:, 1:])
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def peak_mib(name: str, arguments: list[str]) -> float:
    """Memory that a contender's steps need beyond what its process had before them."""
    program = [sys.executable, __file__, *arguments, "--peak-of", name]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _measure_peak(name: str, backbone: str, config: Config, device: torch.device) -> float:
    # The first optimiser imports half of torch's compiler, which is nobody's step.
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
    run, _ = contender(name, backbone, config, device, 0)
    if device.type == "cuda":
        run(3)
        return torch.cuda.max_memory_allocated(device) / 2**20
    RESET_PEAK.write_text("5")
    before = _status_mib("VmRSS")
    run(3)
    return _status_mib("VmHWM") - before


def _status_mib(key: str) -> float:
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 2**10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/demo.yaml"))
    parser.add_argument("--backbone", default="resnet_tiny")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="steps of a block")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="of the plain step's DataLoader")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config, backbone = load_config(options.config), options.backbone
    check_size(backbone, config.pairs.size_px)
    device = pick_device(config.training.device)
    if options.peak_of:
        print(_measure_peak(options.peak_of, backbone, config, device))
        return
    names = ["ours", "plain"] + (["monai"] if importlib.util.find_spec("monai") else [])
    runs = {name: contender(name, backbone, config, device, options.workers) for name in names}
    clock, taken = Clock(device), {name: list[tuple[float, float]]() for name in names}
    hook = register_optimizer_step_post_hook(clock)
    for _ in range(options.rounds):
        for name, (run, first) in runs.items():
            taken[name] += clock.seconds(run, first, options.steps)
    hook.remove()
    n = config.training.decomposition.batch_size
    rows: dict[str, dict[str, float]] = {}
    for name in names:
        wall, processor = (statistics.median(t[i] for t in taken[name]) for i in (0, 1))
        rows[name] = {
            "images_per_s": n / wall,
            "images_per_processor_s": n / processor,
            "step_s": wall,
            "peak_mib": peak_mib(name, sys.argv[1:]),
        }
    loader = loader_seconds(config, device, options.rounds * options.steps)
    for name, row in rows.items():
        ratio = row["images_per_s"] / rows["plain"]["images_per_s"]
        work = row["images_per_processor_s"] / rows["plain"]["images_per_processor_s"]
        print(
            f"{name:6s} {row['images_per_s']:8.2f} images/s ({ratio:.2f} x plain), "
            f"{row['images_per_processor_s']:8.2f} per processor second ({work:.2f} x), "
            f"peak {row['peak_mib']:.0f} MiB"
        )
    print(
        f"loader {n / loader:8.1f} images/s, "
        f"{100 * loader / rows['ours']['step_s']:.1f} % of our step"
    )
    print(
        json.dumps(
            {
                "device": str(device),
                "backbone": backbone,
                "size_px": config.pairs.size_px,
                "batch": n,
                "threads": options.threads,
                "precision": config.training.precision,
                "steps_each": options.rounds * options.steps,
                "rows": rows,
                "loader_s": loader,
            }
        )
    )


if __name__ == "__main__":
    main()
