"""What a config's trainings read from virtual radiographs whose poses and densities are known.

    python benchmarks/learning.py FOLDER --seed 1 --subjects 24 --set pairs.standardise=image

Subjects are simulated without CT and projected at their true poses (8 s each), so that settings of
the trainings can be tried on other seeds than those that are reported. Folds, trainings and line
are the workflow's. Prints a row per method and target: the held-out PCC with its 95 % interval over
subjects. Pairs are kept in FOLDER by seed and reused.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from bmdpipe.core.config.loading import parse_config
from bmdpipe.core.config.root import Config
from bmdpipe.core.image import Image
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.core.volume import Volume
from bmdpipe.evaluation.agreement import pcc
from bmdpipe.evaluation.bootstrap import Sample, intervals
from bmdpipe.imaging.radiograph_grey import finished
from bmdpipe.pairs.build import RegisteredRadiograph, build_subject
from bmdpipe.pairs.folds import deal_folds, held_out_subjects, training_subjects
from bmdpipe.pairs.store import Case, Pairs, read_pairs, write_index, write_subject
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.training.data import with_values
from bmdpipe.training.prediction import (
    Estimates,
    estimate_from_images,
    estimate_from_projections,
    project_images,
)
from bmdpipe.training.projection_fit import fit_projections
from bmdpipe.training.saved import save_decomposition
from bmdpipe.training.stages import (
    decompose,
    region_images,
    regress,
    regress_on_projection,
    regress_regions,
)
from bmdpipe.virtual.cohort import subject_name
from bmdpipe.virtual.dxa.scanner import dxa_reading
from bmdpipe.virtual.dxa.truth import proximal_femur, true_vbmd
from bmdpipe.virtual.hip.anatomy import Anatomy, build_anatomy
from bmdpipe.virtual.hip.positioning import draw_exposure
from bmdpipe.virtual.xray.equipment import draw_visit
from bmdpipe.virtual.xray.room import expose

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[1]
Bmd = dict[str, dict[str, float]]


def radiographs(config: Config, anatomy: Anatomy) -> Iterator[RegisteredRadiograph]:
    """The subject's radiographs with the projections of its true density at its true poses."""
    side = anatomy.person.side
    fine = anatomy.bodies[femur_body(side)]
    region = np.where(
        proximal_femur(fine, anatomy.femora[side].landmarks), fine.density.array, 0
    ).astype(np.float32)
    spacing, origin = fine.density.spacing_mm, fine.density.origin_mm
    proximal = Body.from_volume(Volume(region, spacing, origin, "mg/cm3"))
    bodies = {name: Body.from_volume(body.density) for name, body in anatomy.bodies.items()}
    visit = draw_visit(config.virtual, anatomy.person.number)
    for positioning in config.virtual.positionings:
        picture = expose(
            config.virtual, anatomy, draw_exposure(config.virtual, anatomy, positioning), visit
        )
        camera, poses = picture.exposure.camera, picture.exposure.camera_from_ct
        grey = finished(picture.image.array, False, None, positioning).array
        bones = density_projection([(bodies[name], poses[name]) for name in bodies], camera)
        pf = density_projection([(proximal, poses[femur_body(side)])], camera)
        yield RegisteredRadiograph(
            positioning,
            positioning,
            camera,
            Image(grey, camera.spacing_mm, "attenuation"),
            {
                "bones": Image(bones, camera.spacing_mm, "mg/cm2"),
                "pf": Image(pf, camera.spacing_mm, "mg/cm2"),
            },
            SIDES if pf.any() else (),
        )


def simulated(folder: Path, config: Config, subjects: int) -> Bmd:
    """Fill the folder with pairs and give each subject's BMD by target; what is there is kept."""
    values: Bmd = {"dxa": {}, "qct": {}}
    everything: list[Case] = []
    for number in range(1, subjects + 1):
        name = subject_name(config.virtual, number)
        anatomy = build_anatomy(config.virtual, number)
        side = anatomy.person.side
        values["dxa"][name] = dxa_reading(config.virtual, anatomy)
        values["qct"][name] = true_vbmd(anatomy, side)
        cases, images = build_subject(name, side, radiographs(config, anatomy), config.pairs)
        write_subject(folder, name, images)
        everything += cases
    write_index(folder, everything)
    (folder / "bmd.json").write_text(json.dumps(values))
    return values


class Held:
    """Held-out estimates by method and target, as they come from fold to fold."""

    def __init__(self, values: Bmd) -> None:
        self.values = values
        self.rows: dict[tuple[str, str], list[tuple[float, float, str, str]]] = {}

    def add(self, method: str, target: str, fold: int, pairs: Pairs, made: Estimates) -> None:
        rows = self.rows.setdefault((method, target), [])
        for case, value in zip(pairs.cases, made.values, strict=True):
            truth = self.values[target][case.subject]
            rows.append((truth, float(value), case.subject, str(fold)))

    def show(self) -> None:
        for (method, target), rows in self.rows.items():
            truth, estimate, subject, fold = (
                np.array(column) for column in zip(*rows, strict=True)
            )
            sample = Sample(truth, estimate, subject, fold)
            random = np.random.default_rng(0)
            statistic = {"pcc": lambda s: pcc(s.truth, s.estimate)}
            found = intervals(sample, statistic, 1000, 0.95, random)["pcc"]
            value = pcc(truth, estimate)
            print(f"{method:14s} {target}  {value:6.3f} [{found.low:6.3f}, {found.high:6.3f}]")


def run(config: Config, pairs: Path, values: Bmd, state: Path, methods: list[str]) -> Held:
    held = Held(values)
    decomposer = config.hip_bmd.decomposers["main"]
    folds = deal_folds(values["dxa"], config.folds.n_folds, config.folds.seed)
    for fold in range(config.folds.n_folds):
        inside = training_subjects(folds, fold)
        seen = read_pairs(pairs, inside, ("radiograph", "pf"), target_only=True)
        tested = read_pairs(
            pairs, held_out_subjects(folds, fold), ("radiograph", "pf"), target_only=True
        )
        at, radiograph = state / f"fold{fold}", tested.images["radiograph"]
        if "decomposition" in methods:
            before = None
            common = (decomposer, config.pairs, config.training, at / "state")
            if decomposer.hierarchical:
                both = read_pairs(pairs, inside, ("radiograph", "bones"))
                first, judge, _ = decompose(
                    "stage_one", both, "bones", decomposer.stage_one_epochs, *common
                )
                before = at / "stage_one"
                save_decomposition(before, first, judge, "bones", inside)
            model, judge, _ = decompose(
                "stage_two", seen, "pf", decomposer.stage_two_epochs, *common, before
            )
            save_decomposition(at / "stage_two", model, judge, "pf", inside)
            made = project_images(model, radiograph, CPU)
        for target, known in values.items():
            fit = fit_projections(seen.images["pf"], [known[c.subject] for c in seen.cases])
            true = estimate_from_projections(fit, tested.images["pf"])
            held.add("true", target, fold, tested, true)
            if "decomposition" in methods:
                held.add(
                    "decomposition", target, fold, tested, estimate_from_projections(fit, made)
                )
            given: dict[str, float | None] = dict(known)
            for tuned in [m == "tuned" for m in ("frozen", "tuned") if m in methods]:
                name = "tuned" if tuned else "frozen"
                data = with_values(seen, seen.images["radiograph"], given)
                at_target = at / f"state_{target}_{name}"
                stage = at / "stage_two"
                reader, _, _ = regress(data, stage, tuned, config.pairs, config.training, at_target)
                held.add(name, target, fold, tested, estimate_from_images(reader, radiograph, CPU))
            if "projection" in methods:
                data = with_values(seen, seen.images["radiograph"], given)
                at_target, stage = at / f"state_{target}_projection", at / "stage_two"
                reader, _, _ = regress_on_projection(
                    data, stage, fit, config.pairs, config.training, at_target
                )
                found = estimate_from_images(reader, radiograph, CPU)
                held.add("projection", target, fold, tested, found)
            if "conventional" in methods:
                chosen = config.training.conventional
                size, margin = chosen.region_px, chosen.region_margin
                data = with_values(seen, region_images(seen, size, margin), given)
                state_of_it = at / f"state_{target}_conventional"
                reader, _ = regress_regions(data, config.pairs, config.training, state_of_it)
                regions = region_images(tested, size, margin)
                made_by_it = estimate_from_images(reader, regions, CPU)
                held.add("conventional", target, fold, tested, made_by_it)
    return held


def configured(path: Path, seed: int, subjects: int, changes: list[str]) -> Config:
    raw: dict[str, Any] = yaml.safe_load(path.read_text())
    raw["virtual"] |= {"seed": seed, "n_subjects": subjects}
    for change in changes:
        place, value = change.split("=", 1)
        *sections, key = place.split(".")
        section = raw
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = yaml.safe_load(value)
    return parse_config(raw)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "demo.yaml")
    parser.add_argument("--seed", type=int, default=1, help="of the virtual cohort")
    parser.add_argument("--subjects", type=int, default=24, help="that are simulated")
    parser.add_argument("--first", type=int, help="use only this many of them")
    parser.add_argument("--name", default="run", help="folder of the trained networks")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument(
        "--methods", nargs="+", default=["decomposition", "frozen", "conventional"],
        choices=("decomposition", "frozen", "tuned", "projection", "conventional"),
    )  # fmt: skip
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = configured(arguments.config, arguments.seed, arguments.subjects, arguments.set)
    pairs = arguments.folder / f"seed{arguments.seed}" / f"pairs{arguments.subjects}"
    kept = pairs / "bmd.json"
    values = json.loads(kept.read_text()) if kept.exists() else None
    values = values or simulated(pairs, config, arguments.subjects)
    if arguments.first is not None:
        names = sorted(values["dxa"])[: arguments.first]
        values = {target: {n: known[n] for n in names} for target, known in values.items()}
    start = time.process_time()
    state = arguments.folder / f"seed{arguments.seed}" / arguments.name
    held = run(config, pairs, values, state, arguments.methods)
    used = len(values["dxa"])
    print(f"seed {arguments.seed}, {used} subjects, {' '.join(arguments.set) or '-'}")
    held.show()
    print(f"training and prediction: {time.process_time() - start:.0f} CPU seconds")


if __name__ == "__main__":
    main()
