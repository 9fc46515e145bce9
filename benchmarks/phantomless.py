"""The error of calibrating without a phantom, against the phantom of the same CT.

`python benchmarks/phantomless.py <results folder> <cohort>` reads the import and calibrate stages
of a finished run, and writes a row per subject: density by the patient's tissues, and by the
nominal line, over density by the phantom, at three HU. Ends with a table for the documentation.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import CALIBRATION, CT
from bmdpipe.densitometry.calibration_line import Calibration
from bmdpipe.densitometry.phantomless import calibrate_by_tissues
from bmdpipe.imaging.nifti import read_volume

AT_HU = (300.0, 600.0, 1200.0)


def main(root: Path) -> None:
    config = CalibrationConfig()
    nominal = Calibration("nominal", config.nominal_slope, config.nominal_intercept, None)
    errors: dict[str, list[list[float]]] = {"phantomless": [], "nominal": []}
    for path in sorted(root.glob(f"calibrate/*/{CALIBRATION}")):
        subject = path.parent.name
        raw = read_json(path)
        phantom = Calibration("phantom", raw["slope"], raw["intercept"], None)
        try:
            own = calibrate_by_tissues(read_volume(root / "import" / subject / CT), config, subject)
        except CaseError as error:
            print(f"{subject} refused: {error}", flush=True)
            continue
        for name, line in (("phantomless", own), ("nominal", nominal)):
            errors[name].append([100 * (line.at(hu) / phantom.at(hu) - 1) for hu in AT_HU])
        told = ", ".join(f"{e:+.1f}" for e in errors["phantomless"][-1])
        tissues = ", ".join(f"{t.name} {t.hu:.0f}" for t in own.tissues if t.hu is not None)
        print(f"{subject}: {told} % ({tissues})", flush=True)
    print("| line | HU | mean | median of absolute | worst |\n|---|---|---|---|---|")
    for name, rows in errors.items():
        for hu, column in zip(AT_HU, zip(*rows, strict=True), strict=True):
            sizes = [abs(e) for e in column]
            print(
                f"| {name} | {hu:.0f} | {statistics.fmean(column):+.1f} % | "
                f"{statistics.median(sizes):.1f} % | {max(sizes):.1f} % |"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1], sys.argv[2]))
