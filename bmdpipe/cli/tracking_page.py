"""MLflow's page, served to this machine only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from bmdpipe.core.errors import UsageError
from bmdpipe.report.tracking import default_uri, experiments_in

HOST = "127.0.0.1"
COMPARED = "runs?compareRunsMode=CHART&workflowType=machine_learning"
"""The runs of an experiment side by side, in the half of MLflow's page that is about training."""


def existing_store(results: Path) -> str:
    """The URI of the store in a results folder.

    Raises UsageError if there is none, or no MLflow.
    """
    if find_spec("mlflow") is None:
        raise UsageError("MLflow is not installed; pip install 'bmdpipe[tracking]'")
    database = results / "mlflow.db"
    if not database.is_file():
        raise UsageError(f"{database} is not there; it is written at the end of a run")
    return default_uri(str(results))


def addresses(uri: str, port: int) -> dict[str, str]:
    """Where MLflow compares the runs of each experiment; UsageError if it cannot open the store."""
    page = f"http://{HOST}:{port}/#/experiments"
    return {name: f"{page}/{number}/{COMPARED}" for name, number in experiments_in(uri).items()}


def serve(uri: str, results: Path, port: int) -> int:
    """Run `mlflow ui` until it is stopped; returns its exit code."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise UsageError(f"port {port} is taken; choose another with --port") from None
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    command += ["--backend-store-uri", uri, "--workers", "1"]
    command += ["--default-artifact-root", str((results / "mlartifacts").absolute())]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    try:
        return subprocess.run(command, env=os.environ | quiet, check=False).returncode
    except KeyboardInterrupt:
        return 0
