"""A made-up cohort whose radiographs are DICOM files, trained a step, predicted and evaluated."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.pairs import AugmentationConfig, PairsConfig
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.files import MANIFEST, RADIOGRAPH
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import read_image, write_image
from bmdpipe.imaging.radiograph import read_radiograph
from bmdpipe.report.bundle.export import export
from tests.training.made_up_cohort import DECOMPOSER, QUARANTINED, SUBJECTS, run, write_cohort
from workflow_scripts.evaluate import evaluate
from workflow_scripts.folds import folds
from workflow_scripts.pairs import pairs
from workflow_scripts.predict import predict
from workflow_scripts.train_stage_one import train_stage_one
from workflow_scripts.train_stage_three import train_stage_three
from workflow_scripts.train_stage_two import train_stage_two

SIZE = (16, 32)
IMAGING = ImagingConfig()
PATIENT = "Doe^Jane"
EXPERIMENTS = {
    "decomposition": Experiment(method="decomposition", decomposer="main"),
    "regression": Experiment(method="regression", decomposer="main"),
    "conventional": Experiment(method="conventional"),
}


def write_dicom(path, stored, **elements):
    """A DX file of a 16-bit picture, 4 mm pixels unless told otherwise; it names its patient."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, "2.25.1"
    data.PatientName = data.PatientID = PATIENT
    data.Modality, data.PhotometricInterpretation, data.SamplesPerPixel = "DX", "MONOCHROME2", 1
    data.ImagerPixelSpacing, data.DistanceSourceToDetector = [4.0, 4.0], 1200
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PixelData = stored.astype(np.uint16).tobytes()
    for name, value in elements.items():
        setattr(data, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def picture(rng):
    """A 36 x 40 picture with a bright shaft in either half, brighter or darker by chance."""
    y, x = np.mgrid[:36, :40]
    bones = np.exp(-(((x % 20) - 10) ** 2) / 12) * (0.6 + 0.4 * rng.random())
    return (1000 + 20000 * bones + 60 * y + 2000 * rng.random((36, 40))).astype(np.uint16)


@dataclass(frozen=True)
class Finished:
    """A finished run: its results, the job maker of its cohort, and its DICOM files by case."""

    results: Path
    job: object
    dicom: dict

    def export(self, experiment, target, **options):
        return export(self.results, "c", experiment, target, **options)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("bundle")
    job = write_cohort(root / "results", _training(), _pairs())
    rng, dicom = np.random.default_rng(0), {}
    for subject in SUBJECTS:
        imported = job("import", subject=subject).out
        if subject == QUARANTINED:
            continue
        _manifest(job("import", {"imaging": IMAGING.model_dump(mode="json")}, subject=subject))
        for name in ("standing", "supine"):
            path = write_dicom(root / "dicom" / subject / f"{name}.dcm", picture(rng))
            dicom[subject, name] = path
            image = read_radiograph(path, subject, IMAGING).image
            target = imported / RADIOGRAPH.format(radiograph=name)
            write_image(target, image, {"positioning": name})
    _use_camera(job)
    run(folds, job("folds"))
    run(pairs, job("pairs"))
    for fold in (0, 1):
        _train(job, fold)
    for name in ("decomposition", "regression"):
        for fold in (0, 1):
            _run(predict, job("predict", _of(name), experiment=name, fold=fold))
        _run(evaluate, job("evaluate", _of(name), experiment=name))
    conventional = job("predict", _of("conventional"), experiment="conventional", fold=0)
    conventional.out.mkdir(parents=True)
    _manifest(conventional)
    write_json(
        root / "results" / "c" / "summary.json",
        {
            "virtual": True,
            "quarantined": [QUARANTINED],
            "manifest": {
                "commit": "c0ffee",
                "config_hash": "0123",
                "seeds": {"training.seed": 0},
                "versions": {"bmdpipe": "0"},
            },
        },
    )
    return Finished(root / "results", job, dicom)


@pytest.fixture(scope="session")
def bundle(finished, tmp_path_factory):
    """The folder of the exported decomposition."""
    target = tmp_path_factory.mktemp("exported") / "bundle"
    finished.export("decomposition", target)
    return target


def _training():
    return TrainingConfig.model_validate(
        {
            "device": "cpu",
            "decomposition": {
                "batch_size": 4,
                "max_steps": 1,
                "discriminator": {"scales": 1, "filters": 4, "layers": 1},
            },
            "regression": {
                "frozen_epochs": 1,
                "tuned_epochs": 1,
                "head": {"dims": [8, 16], "depths": [1, 1], "head_dim": 8},
            },
        }
    )


def _pairs():
    still = AugmentationConfig(
        rotation_deg=0, shear_deg=0, translation_fraction=0, scale=0, brightness=0, contrast=0,
        flip_horizontal=False, flip_vertical=False,
    )  # fmt: skip
    return PairsConfig(size_px=SIZE, canonical_side=True, augmentation=still)


def _use_camera(job):
    """The made-up poses are of 8 mm pixels, the files of 4 mm; bring projections to the files'."""
    camera = Camera.centred(1200.0, (4.0, 4.0), (40, 36))
    for subject in SUBJECTS:
        path = job("register", subject=subject).out / "poses.json"
        if not path.is_file():
            continue
        poses = {name: {**p, "camera": camera.to_json()} for name, p in read_json(path).items()}
        write_json(path, poses)
        for file in job("project", subject=subject).out.glob("*.nii.gz"):
            image = read_image(file)
            write_image(file, replace(image, spacing_mm=(8.0, 8.0)), {})


def _train(job, fold):
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}
    _run(train_stage_one, job("train_stage_one", dec, decomposer="main", fold=fold))
    _run(train_stage_two, job("train_stage_two", dec, decomposer="main", fold=fold))
    for target in ("dxa", "qct"):
        keys = {"experiment": "regression", "target": target, "fold": fold}
        _run(train_stage_three, job("train_stage_three", {**dec, **_of("regression")}, **keys))


def _of(name):
    plan = EXPERIMENTS[name]
    return {
        "experiment": plan.model_dump(mode="json"),
        "decomposer": DECOMPOSER.model_dump(mode="json") if plan.decomposer else None,
        "targets": ["dxa", "qct"],
        "virtual": True,
        "folds": 2,
        "evaluation": EvaluationConfig(bootstrap_samples=20).model_dump(mode="json"),
    }


def _run(script, job):
    run(script, job)
    _manifest(job)


def _manifest(job):
    """As run_job leaves it."""
    write_json(
        job.out / MANIFEST,
        {"stage": job.stage, "keys": job.keys, "config": job.config, "code": job.code},
    )
