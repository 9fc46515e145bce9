"""The command `bmdpipe`.

Exit codes: 0 done; 1 a fault of the program; 2 something the user must mend, told in a line each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bmdpipe.cli import (
    bundling,
    checking,
    deidentifying,
    networks,
    pages,
    tracking_page,
    validating,
)
from bmdpipe.core.codes import MEANING
from bmdpipe.core.errors import UsageError

app = typer.Typer(
    help="Bone mineral density from one plain hip radiograph. For research only.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Results = Annotated[Path, typer.Option(help="Folder of all results.")]


@app.command()
def check(
    config: Annotated[Path, typer.Argument(help="A config file, such as config/demo.yaml.")],
    images: Annotated[bool, typer.Option(help="Read every image, as the import does.")] = True,
    processes: Annotated[int, typer.Option(min=1, help="Subjects read at a time.")] = 1,
) -> None:
    """Check a config, its cohort tables and every image that they name, before anything runs.

    Ends with exit code 2 if something must be mended: what has a code with E_ would be left out.
    """
    checked = checking.check(config, images, processes)
    typer.echo(checked.summary)
    width = max((len(finding.case) for finding in checked.findings), default=0)
    for finding in checked.findings:
        typer.echo(f"{finding.case:{width}}  {finding.code:20}  {finding.text}")
    if checked.must_be_mended:
        raise typer.Exit(2)


@app.command()
def export(
    experiment: Annotated[str, typer.Argument(help="Name of the experiment.")],
    cohort: Annotated[str, typer.Option(help="Name of the cohort.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder for the bundle.")],
    results: Results = Path("results"),
    onnx: Annotated[bool, typer.Option("--onnx", help="Write the networks as ONNX too.")] = False,
) -> None:
    """Write an experiment's models, with all that they need and a model card, into one folder."""
    typer.echo(bundling.export(results, cohort, experiment, out, onnx))


@app.command("export-network")
def export_network(
    cohort: Annotated[str, typer.Option(help="Name of the cohort.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder for the network.")],
    fold: Annotated[int, typer.Option(min=0, help="Which fold's network.")] = 0,
    results: Results = Path("results"),
) -> None:
    """Write a segmentation network into a folder that `segmentation.trained` can name."""
    typer.echo(networks.export_network(results, cohort, fold, out))


@app.command()
def predict(
    bundle: Annotated[Path, typer.Argument(help="A folder that `bmdpipe export` wrote.")],
    radiographs: Annotated[list[Path], typer.Argument(help="DICOM files of hip radiographs.")],
    side: Annotated[str, typer.Option(help="The patient's side: R, L or both.")] = "both",
    out: Annotated[Path | None, typer.Option(help="An empty or new folder for results.")] = None,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write results as DICOM too.")] = False,
) -> None:
    """Estimate BMD from plain radiographs. For research only.

    Ends with exit code 2 if a radiograph cannot be used; the others are predicted all the same.
    """
    refused = False
    for line, bad in bundling.predict(bundle, radiographs, side, out, dicom):
        typer.echo(line, err=bad)
        refused |= bad
    if refused:
        raise typer.Exit(2)


@app.command()
def validate(
    bundle: Annotated[Path, typer.Argument(help="A folder that `bmdpipe export` wrote.")],
    config: Annotated[Path, typer.Argument(help="Config of a cohort that it has not seen.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder for the page.")],
    track: Annotated[bool, typer.Option("--track", help="Record in MLflow too.")] = False,
) -> None:
    """Validate a bundle on another cohort: radiographs and DXA of its tables, no CT needed.

    Ends with exit code 2 if a radiograph cannot be used; the others are judged all the same.
    """
    refused = False
    for line, bad in validating.validate(bundle, config, out, track, _counted):
        typer.echo(line, err=bad)
        refused |= bad
    if refused:
        raise typer.Exit(2)


def _counted(done: int, total: int) -> None:
    """A counter on a terminal, which the next line overwrites."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} radiographs\r")


@app.command()
def report(
    cohort: Annotated[str, typer.Argument(help="Name of the cohort.")],
    results: Results = Path("results"),
) -> None:
    """Say where a cohort's report is."""
    typer.echo(pages.find_report(results, cohort))


@app.command()
def deidentify(
    tables: Annotated[Path, typer.Argument(help="Folder with subjects.tsv and radiographs.tsv.")],
    target: Annotated[Path, typer.Argument(help="An empty or new folder for the copy.")],
) -> None:
    """Copy a cohort's images without the patients' identity, and record what was kept."""
    typer.echo(deidentifying.deidentify(tables, target))


@app.command()
def ui(
    results: Results = Path("results"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
) -> None:
    """Compare runs in MLflow, on this machine only."""
    uri = tracking_page.existing_store(results)
    for experiment, address in tracking_page.addresses(uri, port).items():
        typer.echo(f"{experiment}: {address}", err=True)
    typer.echo("Ctrl-C stops MLflow", err=True)
    raise typer.Exit(tracking_page.serve(uri, results, port))


@app.command()
def codes() -> None:
    """List the codes that a case is quarantined (E_) or marked (W_) with."""
    width = max(map(len, MEANING))
    for code, meaning in MEANING.items():
        typer.echo(f"{code:{width}}  {meaning}")


def main() -> None:
    """Run the command; a `UsageError` becomes a line on standard error and exit code 2."""
    try:
        app()
    except UsageError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"error: {line}\n")
        raise SystemExit(2) from None
