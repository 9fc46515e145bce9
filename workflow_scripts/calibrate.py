"""Calibrate one subject's CT: by its phantom, by the patient's own tissues, or not at all."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.files import CALIBRATION, CT, DENSITY, QC
from bmdpipe.core.metrics import Metrics
from bmdpipe.densitometry.calibration import calibrate
from bmdpipe.densitometry.calibration_line import density_volume
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
        {
            "material": "HA",
            "method": calibration.method,
            "slope": calibration.slope,
            "intercept": calibration.intercept,
        },
    )
    values = {"slope": calibration.slope, "intercept": calibration.intercept}
    if calibration.correlation is not None:
        values["correlation"] = calibration.correlation
    values |= {f"{t.name}_hu": t.hu for t in calibration.tissues if t.hu is not None}
    params = {"mode": config.mode, "method": calibration.method}
    return Outcome(Metrics(params=params, values=values, artefacts=(QC,)), calibration.warnings)


if __name__ == "__main__":
    run_case("calibrate", calibrate_subject, needs=("import",))
