"""The cohort tables: every fault named by file, row and column, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bmdpipe.core.cohort import (
    NO_PHANTOM,
    Cohort,
    cohort_from_rows,
    read_cohort,
    write_tables,
)
from bmdpipe.core.config.cohort import CohortConfig
from bmdpipe.core.errors import UsageError

SUBJECT_HEADER = [
    "subject",
    "sex",
    "age_years",
    "bmi",
    "side",
    "ct",
    "ct_phantom",
    "dxa_abmd_g_cm2",
    "dxa_device",
]
RADIOGRAPH_HEADER = ["subject", "radiograph", "positioning", "path"]


def subject(name: str, **changes: str) -> dict[str, str]:
    row = dict(
        zip(
            SUBJECT_HEADER,
            [name, "F", "61", "22.5", "R", f"{name}/ct", "B-MAS200", "0.759", "Discovery-A"],
            strict=True,
        )
    )
    return {**row, **changes}


def radiograph(name: str, **changes: str) -> dict[str, str]:
    values = [name, "a", "standing", f"{name}/a.dcm"]
    return {**dict(zip(RADIOGRAPH_HEADER, values, strict=True)), **changes}


def table(rows: list[dict[str, str]], separator: str = "\t", end: str = "\n") -> str:
    header = list(rows[0])
    lines = [separator.join(header), *(separator.join(row[c] for c in header) for row in rows)]
    return end.join(lines) + end


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("A1", "A2"):
        (tmp_path / name / "ct").mkdir(parents=True)
        (tmp_path / name / "a.dcm").write_bytes(b"x")
        (tmp_path / name / "b.dcm").write_bytes(b"x")
    return tmp_path


def fill(
    folder: Path,
    subjects: list[dict[str, str]] | None = None,
    radiographs: list[dict[str, str]] | None = None,
) -> Path:
    (folder / "subjects.tsv").write_text(table(subjects or [subject("A1"), subject("A2")]))
    (folder / "radiographs.tsv").write_text(
        table(radiographs or [radiograph("A1"), radiograph("A2")])
    )
    return folder


def complaint(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_cohort(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_paths_from_the_tables_folder(folder: Path) -> None:
    cohort = read_cohort(fill(folder))
    assert cohort.ids == ("A1", "A2")
    assert Path(cohort.subject("A1").ct) == folder / "A1" / "ct"
    assert cohort.subject("A2").dxa_abmd_g_cm2 == 0.759
    row = cohort.to_json("A2")
    assert row["subject"]["subject"] == "A2"
    assert [r["path"] for r in row["radiographs"]] == [str(folder / "A2" / "a.dcm")]


def test_byte_order_mark_and_crlf_are_read(folder: Path) -> None:
    fill(folder)
    text = table([subject("A1"), subject("A2")], end="\r\n")
    (folder / "subjects.tsv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_cohort(folder).ids == ("A1", "A2")


def test_tables_survive_writing_and_reading(folder: Path, tmp_path: Path) -> None:
    cohort = read_cohort(fill(folder))
    elsewhere = tmp_path / "x" / "tables"
    write_tables(elsewhere, cohort)
    assert read_cohort(elsewhere) == cohort


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("subject", " A1", "spaces"),
        ("subject", "../A1", "no id"),
        ("subject", "A" * 65, "no id"),
        ("subject", "Ä1", "no id"),
        ("dxa_abmd_g_cm2", "", "missing"),
        ("dxa_abmd_g_cm2", "-0.7", "not between"),
        ("dxa_abmd_g_cm2", "900", "thousandths"),
        ("dxa_abmd_g_cm2", "<0.5", "not a number"),
        ("dxa_abmd_g_cm2", "nan", "not between"),
        ("dxa_abmd_g_cm2", "0,9", "decimal point"),
        ("age_years", "610", "not between"),
        ("sex", "W", "F, M"),
        ("side", "left", "L, R"),
        ("ct", "", "missing"),
        ("ct", "A9/ct", "nothing at"),
        ("ct", "x" * 300, "nothing at"),
        ("ct_phantom", "", "phantom"),
    ],
)
def test_a_bad_cell_is_named(folder: Path, column: str, value: str, words: str) -> None:
    fill(folder, [subject("A2"), subject("A1", **{column: value})])
    text = complaint(folder)
    assert f"subjects.tsv row 3, column {column}: " in text
    assert words in text


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("positioning", "sitting", "standing, supine"),
        ("radiograph", "a/b", "no id"),
        ("subject", "A3", "not in subjects.tsv"),
        ("path", "A1/missing.dcm", "nothing at"),
        ("path", "A2/a.dcm", "same file as in radiographs.tsv row 3"),
    ],
)
def test_a_bad_radiograph_is_named(folder: Path, column: str, value: str, words: str) -> None:
    rows = [radiograph("A1"), radiograph("A2"), radiograph("A1", radiograph="b", path="A1/b.dcm")]
    rows[2][column] = value
    text = complaint(fill(folder, radiographs=rows))
    assert f"radiographs.tsv row 4, column {column}: " in text
    assert words in text


@pytest.mark.parametrize(("first", "second"), [("12", "012"), ("12", "12"), ("v1", "V1")])
def test_ids_that_a_spreadsheet_or_file_system_merges_are_duplicates(
    folder: Path, first: str, second: str
) -> None:
    rows = [subject(first, ct="A1/ct"), subject(second, ct="A2/ct")]
    text = complaint(fill(folder, rows))
    assert f"row 3, column subject: '{second}' is the same id as '{first}' of row 2" in text


def test_12_point_0_is_both_no_id_and_a_duplicate(folder: Path) -> None:
    text = complaint(fill(folder, [subject("12", ct="A1/ct"), subject("12.0", ct="A2/ct")]))
    assert "'12.0' is no id" in text
    assert "same id as '12'" in text


def test_one_ct_under_two_subjects_is_refused_through_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "A1" / "ct")
    text = complaint(fill(folder, [subject("A1"), subject("A2", ct="link")]))
    assert "row 3, column ct: the same file as in subjects.tsv row 2" in text


def test_a_loop_of_links_is_a_missing_file(folder: Path) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    assert "column ct: there is nothing" in complaint(
        fill(folder, [subject("A1"), subject("A2", ct="loop")])
    )


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), (",", "commas")])
def test_another_separator_is_named(folder: Path, mark: str, name: str) -> None:
    fill(folder)
    (folder / "subjects.tsv").write_text(table([subject("A1")], separator=mark))
    assert name in complaint(folder)


def test_columns_missing_or_misspelt_name_the_nearest(folder: Path) -> None:
    rows = [{("age" if k == "age_years" else k): v for k, v in subject("A1").items()}]
    text = complaint(fill(folder, rows))
    assert "'age' is unknown (did you mean 'age_years'?)" in text
    assert "'age_years' is missing" in text


def test_another_encoding_names_the_row(folder: Path) -> None:
    fill(folder)
    text = table([subject("A1"), subject("A2", dxa_device="Gerät")])
    (folder / "subjects.tsv").write_bytes(text.encode("latin-1"))
    assert "row 3: not UTF-8" in complaint(folder)


def test_a_short_row_and_a_missing_table_are_named(folder: Path) -> None:
    fill(folder)
    with (folder / "subjects.tsv").open("a") as stream:
        stream.write("A3\tF\n")
    assert "row 4, column age_years: the row has 2 cells, the header has 9" in complaint(folder)
    (folder / "subjects.tsv").unlink()
    assert "subjects.tsv is missing" in complaint(folder)


def test_problems_are_counted_beyond_the_first(folder: Path) -> None:
    rows = [subject(f"B{i}", ct=f"nowhere{i}") for i in range(30)]
    text = complaint(fill(folder, rows))
    assert text.count("; ") == 8
    assert text.endswith("more")


def test_dataset_a_needs_no_dxa(folder: Path) -> None:
    """A subject for stage one alone; any other dataset is a fault of the table."""
    bare = subject("A2", dxa_abmd_g_cm2="", dataset="A")
    cohort = read_cohort(fill(folder, [subject("A1", dataset=""), bare]))
    assert [row.dataset for row in cohort.subjects] == ["B", "A"]
    assert "dataset: 'C' is not one of A, B" in complaint(
        fill(folder, [subject("A1", dataset="C"), bare])
    )


def test_a_virtual_cohort_needs_no_files_and_no_dxa() -> None:
    rows = [
        {
            **subject("V001"),
            "age_years": 61.5,
            "dxa_abmd_g_cm2": None,
            "dxa_device": None,
            "dxa_file": "results/v/simulate/V001/dxa.json",
        }
    ]
    cohort = cohort_from_rows(rows, [radiograph("V001")])
    assert isinstance(cohort, Cohort)
    assert cohort.subject("V001").dxa_abmd_g_cm2 is None
    assert cohort.subject("V001").dxa_file == "results/v/simulate/V001/dxa.json"
    with pytest.raises(UsageError, match="sexx"):
        cohort_from_rows([{**rows[0], "sexx": "F"}], [radiograph("V001")])


def test_the_config_wants_tables_for_tables_only() -> None:
    assert CohortConfig(name="osaka-1", kind="tables", tables="config/cohorts/x").tables
    for wrong in ({"kind": "tables"}, {"tables": "x"}, {"name": "../x"}, {"name": "A_b"}):
        with pytest.raises(ValueError):
            CohortConfig.model_validate(wrong)


def test_the_example_tables_are_valid_but_for_their_files() -> None:
    example = Path(__file__).parents[2] / "config" / "cohorts" / "example"
    cohort = read_cohort(example, check_files=False)
    assert {r.subject for r in cohort.radiographs} == set(cohort.ids)


def test_the_module_imports_nothing_heavy() -> None:
    code = "import sys, bmdpipe.core.cohort; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "pandas", "pydicom", "pydantic"} & set(loaded)


def test_a_ct_alone_needs_no_radiograph_and_no_dxa(folder: Path) -> None:
    bare = [subject(name, dxa_abmd_g_cm2="", dxa_device="") for name in ("A1", "A2")]
    (folder / "subjects.tsv").write_text(table(bare))
    cohort = read_cohort(folder, ct_only=True)
    assert cohort.ids == ("A1", "A2")
    assert cohort.radiographs == ()
    (folder / "radiographs.tsv").write_text(table([radiograph("A1"), radiograph("A2")]))
    assert "dxa_abmd_g_cm2" in complaint(folder)


def test_where_no_ct_is_needed_its_columns_may_be_missing(folder: Path) -> None:
    fill(folder)
    bare = [
        {k: v for k, v in subject(name).items() if k not in ("ct", "ct_phantom")}
        for name in ("A1", "A2")
    ]
    (folder / "subjects.tsv").write_text(table(bare))
    cohort = read_cohort(folder, ct_needed=False)
    assert {(row.ct, row.ct_phantom) for row in cohort.subjects} == {("", NO_PHANTOM)}
    assert "'ct'" in complaint(folder)


def test_a_folder_of_corrected_landmarks_must_exist(folder: Path) -> None:
    (folder / "A1" / "landmarks").mkdir()
    rows = [subject("A1", landmarks="A1/landmarks"), subject("A2", landmarks="")]
    cohort = read_cohort(fill(folder, rows))
    assert cohort.subject("A1").landmarks == str(folder / "A1/landmarks")
    assert cohort.subject("A2").landmarks is None
    rows[1]["landmarks"] = "A2/landmarks"
    assert "A2/landmarks" in complaint(fill(folder, rows))


def test_ct_alone_is_for_tables() -> None:
    with pytest.raises(ValueError, match="ct_only"):
        CohortConfig(kind="virtual", ct_only=True)
