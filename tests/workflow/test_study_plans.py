"""The companion studies' plans, by dry runs in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("others", [[], ["ae_bs", "rl_bs_small"]])
def test_each_suppressor_is_trained_once_also_if_there_is_but_one(
    tmp_path: Path, others: list[str]
) -> None:
    names = ", ".join([*others, "resnet_bs_small"])
    command = [sys.executable, "-m", "snakemake", "-n", "-s", str(REPOSITORY / "Snakefile")]
    command += ["--directory", str(tmp_path), "--configfile"]
    command += [str(REPOSITORY / "config" / "bone_suppression.yaml")]
    command += [
        "--config",
        f"bone_suppression={{suppressors: [{names}]}}",
        "--",
        "bone_suppression",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-3000:]
    planned = dict(re.findall(r"^chest_suppress_train(\S*) +(\d+)$", told, flags=re.M))
    assert planned.get("_chosen") == "1"
    assert planned.get("", "0") == str(len(others))
