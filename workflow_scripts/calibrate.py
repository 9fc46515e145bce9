"""Calibrate one subject's CT with the phantom scanned under it."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.files import CALIBRATION, CT, DENSITY, QC
from bmdpipe.core.metrics import Metrics
from bmdpipe.densitometry.calibration import calibrate, density_volume
from bmdpipe.densitometry.calibration_picture import draw_calibration
from bmdpipe.imaging.nifti import read_volume, write_volume
from workflow_scripts.job import Job, Outcome, run_case


def calibrate_subject(job: Job, out: Path) -> Outcome:
    config = job.section("calibration", CalibrationConfig)
    ct = read_volume(job.at("import") / CT)
    calibration, rods = calibrate(ct, config, job.keys["subject"])
    write_json(out / CALIBRATION, calibration.to_json())
    draw_calibration(out / QC, ct, calibration, rods)
    write_volume(
        out / DENSITY,
        density_volume(ct, calibration),
        {"material": "HA", "slope": calibration.slope, "intercept": calibration.intercept},
    )
    values = {"slope": calibration.slope, "intercept": calibration.intercept}
    if calibration.correlation is not None:
        values["correlation"] = calibration.correlation
    return Outcome(Metrics(params={"mode": config.mode}, values=values, artefacts=(QC,)))


if __name__ == "__main__":
    run_case("calibrate", calibrate_subject, needs=("import",))
