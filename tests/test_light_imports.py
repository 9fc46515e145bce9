"""A GPU node trains without imaging packages and workflow; the workflow plans without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMAGING = {"SimpleITK", "pydicom", "nibabel", "itk"}
WORKFLOW = {"snakemake", "mlflow"}


def loaded_by(module: str, names: set[str]) -> set[str]:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return names & {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "script",
    ["train_stage_one", "train_stage_two", "train_stage_three", "train_conventional", "predict"],
)
def test_training_needs_no_imaging_packages(script):
    assert loaded_by(f"workflow_scripts.{script}", IMAGING | WORKFLOW) == set()


@pytest.mark.parametrize(
    "module", ["bmdpipe.models.registry", "bmdpipe.virtual.configured", "bmdpipe.cli.main"]
)
def test_knowing_the_jobs_needs_no_torch(module):
    heavy = {"torch", "numba", "pandas", "matplotlib"} | IMAGING | WORKFLOW
    assert loaded_by(module, heavy) == set()


@pytest.mark.parametrize("script", ["calibrate", "roi", "register", "pairs"])
def test_stages_after_the_import_need_no_dicom(script):
    assert loaded_by(f"workflow_scripts.{script}", {"pydicom"}) == set()


def test_pydicom_can_be_imported_after_nifti():
    assert loaded_by("bmdpipe.imaging.nifti, pydicom", {"pydicom"}) == {"pydicom"}
