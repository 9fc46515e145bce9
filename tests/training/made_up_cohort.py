"""A made-up cohort on disk, up to its projections, for the scripts that come after."""

import numpy as np

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.image import Image
from bmdpipe.core.layout import Layout
from bmdpipe.core.records import Record, Refusal, write_record
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import write_image
from workflow_scripts.job import Job

BONES_ONLY = "S6"
SUBJECTS = [f"S{i}" for i in range(7)]
DATASET_B = [s for s in SUBJECTS if s != BONES_ONLY]
QUARANTINED, UNREGISTERED = "S4", "standing"
DECOMPOSER = Decomposer(backbone="resnet_tiny", stage_one_epochs=1, stage_two_epochs=1)


def write_cohort(tmp_path, config, pairs_config):
    """Seven subjects of two radiographs; one is quarantined, one lost a pose, one has no DXA, and
    one is of dataset A: for stage one alone."""
    layout = Layout(str(tmp_path), "c")
    rng = np.random.default_rng(0)
    camera = Camera.centred(1200.0, (8.0, 8.0), (40, 36))
    small = camera.resized((20, 18))
    for number, subject in enumerate(SUBJECTS):
        at = {s: tmp_path / "c" / s / subject for s in ("import", "register", "project", "roi")}
        refusal = Refusal(subject, "import", "E_FOV", "cut")
        refused = refusal if subject == QUARANTINED else None
        for stage, folder in at.items():
            write_record(folder, Record(stage, subject, refused))
        if refused:
            continue
        write_json(
            at["import"] / "subject.json",
            {
                "side": "RL"[number % 2],
                "dxa_abmd_g_cm2": None if number >= 5 else 0.6 + number / 10,
                "dataset": "A" if subject == BONES_ONLY else "B",
            },
        )
        vbmd = {"vbmd_mg_cm3": 200.0 + 20 * number}
        write_json(at["roi"] / "roi.json", {"R": vbmd, "L": vbmd})
        poses = {}
        for name in ("standing", "supine"):
            ok = not (subject == "S0" and name == UNREGISTERED)
            body = {"ok": ok}
            turn = number + 10.0 * (name == "supine")
            angles = {"flexion": turn, "abduction": -turn, "external_rotation": turn**2}
            poses[name] = {
                "camera": camera.to_json(),
                "joints_deg": {"R": angles, "L": angles},
                "bodies": {"pelvis": body, "femur_r": body, "femur_l": body},
            }
            write_image(
                at["import"] / "radiographs" / f"{name}.nii.gz",
                Image(rng.random((36, 40)).astype(np.float32), camera.spacing_mm, "attenuation"),
                {"positioning": name},
            )
            for kind in ("bones", "pf") if ok else ():
                array = (400 + 100 * number) * rng.random((18, 20)).astype(np.float32)
                write_image(
                    at["project"] / f"{name}_{kind}.nii.gz",
                    Image(array, small.spacing_mm, "mg/cm2"),
                    {"camera": small.to_json()},
                )
        write_json(at["register"] / "poses.json", poses)
    sections = {
        "folds": {"n_folds": 2},
        "device": "cpu",
        "decomposer": None,
        "uncalibrated": False,
        "pairs": pairs_config.model_dump(mode="json"),
        "training": config.model_dump(mode="json"),
    }

    def job(stage, more=None, **keys):
        return Job(
            stage=stage,
            layout=layout,
            keys={k: str(v) for k, v in keys.items()},
            config={**sections, **(more or {})},
            row={"subjects": SUBJECTS},
            threads=1,
            code="",
        )

    return job


def run(script, job):
    """The outcome of a script, whose folder is made first."""
    job.out.mkdir(parents=True)
    return script(job, job.out)
