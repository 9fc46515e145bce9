from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from bmdpipe.cli import tracking_page
from bmdpipe.cli.main import main
from bmdpipe.core.codes import MEANING
from bmdpipe.core.errors import UsageError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["bmdpipe", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_codes_lists_every_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "codes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [tuple(line.split(maxsplit=1)) for line in lines] == list(MEANING.items())


def test_report_prints_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "demo/report/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("")
    assert run(monkeypatch, "report", "demo", "--results", str(tmp_path)) == 0
    assert capsys.readouterr().out.strip() == str(page)


def test_report_names_the_cohorts_that_have_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "demo/report/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("")
    assert run(monkeypatch, "report", "dmeo", "--results", str(tmp_path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: no report of cohort 'dmeo'")
    assert line.endswith("demo")


def test_check_tells_each_fault_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("cohort: {name: demo}\nfolds: {n_foldz: 2}\ntrackin: {}\n")
    assert run(monkeypatch, "check", str(path)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)
    assert "n_folds" in lines[0]


def test_check_of_a_missing_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "check", str(tmp_path / "none.yaml")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no such config file" in line


def test_check_says_what_would_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("cohort: {name: demo}\n")
    assert run(monkeypatch, "check", str(path)) == 0
    out = capsys.readouterr().out
    assert "Cohort 'demo' (virtual)" in out
    assert "305 subjects" in out
    assert "5 folds" in out


def test_check_reads_the_cohort_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"cohort: {{name: ours, kind: tables, tables: {tmp_path / 'none'}}}\n")
    assert run(monkeypatch, "check", str(path)) == 2
    assert "subjects.tsv" in capsys.readouterr().err


def test_ui_without_a_store_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "ui", "--results", str(tmp_path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "mlflow.db is not there" in line


def test_ui_refuses_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="is taken"):
            tracking_page.serve("sqlite:///x", tmp_path, other.getsockname()[1])


def test_ui_listens_to_this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []

    class Done:
        returncode = 0

    def record(command: list[str], **_: object) -> Done:
        commands.append(command)
        return Done()

    monkeypatch.setattr(tracking_page.subprocess, "run", record)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert tracking_page.serve("sqlite:///x", tmp_path, port) == 0
    (command,) = commands
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == str(port)


@pytest.mark.parametrize("port", ["0", "70000", "x"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    assert run(monkeypatch, "ui", "--port", port) == 2
