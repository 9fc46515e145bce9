"""Take more radiographs of virtual subjects that a cohort has: other positions, rooms and looks.

    python docs/scripts/further_exposures.py results/full further --config full.yaml --seed 1 \
        --subjects V001 V006

Leaves `simulate`, `import` and `calibrate` as `registration_cases.py` reads them, under `further`:
the new radiographs and their truth; CT, labels and density are links to the cohort's own.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import asdict
from pathlib import Path

import yaml

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import (
    RADIOGRAPH,
    RADIOGRAPH_DICOM,
    SUBJECT,
    TRUE_DENSITY,
    TRUE_LABELS,
    TRUTH,
)
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import write_image
from bmdpipe.imaging.radiograph import read_radiograph
from bmdpipe.virtual.cohort import subject_number
from bmdpipe.virtual.hip.anatomy import build_anatomy
from bmdpipe.virtual.hip.positioning import Exposure, draw_exposure
from bmdpipe.virtual.xray.dicom import write_radiograph
from bmdpipe.virtual.xray.equipment import draw_visit
from bmdpipe.virtual.xray.room import expose

log = logging.getLogger(__name__)


def linked(source: Path, target: Path) -> None:
    """Links to a NIfTI file and to the JSON beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".nii.gz", ".json"):
        link = target.with_name(target.name.removesuffix(".nii.gz") + suffix)
        link.symlink_to(source.with_name(source.name.removesuffix(".nii.gz") + suffix).resolve())


def again(config: VirtualConfig, subject: str, seed: int, root: Path, out: Path) -> None:
    """Every positioning of the config once more; what the subject is made of stays."""
    number = subject_number(config, subject)
    anatomy = build_anatomy(config, number)
    other = config.model_copy(update={"seed": seed})
    visit, known = draw_visit(other, number), {}
    for name in config.positionings:
        picture = expose(other, anatomy, draw_exposure(other, anatomy, name), visit)
        path = out / "simulate" / subject / RADIOGRAPH_DICOM.format(radiograph=name)
        write_radiograph(path, other, subject, anatomy.person, picture, visit)
        taken = read_radiograph(path, f"{subject}/{name}", ImagingConfig())
        camera = Camera.centred(taken.sdd_mm, taken.image.spacing_mm, taken.image.size_px)
        meta = {
            "camera": camera.to_json(),
            "sdd_source": taken.sdd_source,
            "field_px": list(taken.field_px) if taken.field_px else None,
        }
        image = out / "import" / subject / RADIOGRAPH.format(radiograph=name)
        image.parent.mkdir(parents=True, exist_ok=True)
        write_image(image, taken.image, meta)
        known[name] = described(picture.exposure)
        log.info("%s: %s", subject, name)
    for name in (TRUE_LABELS, TRUE_DENSITY):
        linked(root / "simulate" / subject / name, out / "simulate" / subject / name)
    density = Path("calibrate") / subject / "density.nii.gz"
    linked(root / density, out / density)
    write_json(out / "import" / subject / SUBJECT, read_json(root / "import" / subject / SUBJECT))
    truth = read_json(root / "simulate" / subject / TRUTH)
    write_json(out / "simulate" / subject / TRUTH, {**truth, "radiographs": known})


def described(exposure: Exposure) -> dict:
    return {
        "camera": exposure.camera.to_json(),
        "camera_from_ct": {name: m.tolist() for name, m in exposure.camera_from_ct.items()},
        "joints_deg": {side: asdict(angles) for side, angles in exposure.joints.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--config", type=Path, required=True, help="the cohort's config")
    parser.add_argument("--seed", type=int, required=True, help="of the new radiographs")
    parser.add_argument("--subjects", nargs="+", required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    section = yaml.safe_load(args.config.read_text("utf-8")).get("virtual", {})
    for subject in args.subjects:
        again(VirtualConfig(**section), subject, args.seed, args.root, args.output)


if __name__ == "__main__":
    main()
