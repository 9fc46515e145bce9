from __future__ import annotations

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bmdpipe.core.atomic import write_json
from bmdpipe.core.codes import MEANING
from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.metrics import Metrics, write_metrics
from bmdpipe.core.records import Record, write_record
from bmdpipe.report.jobs import CT_ONLY, PREPARATION
from bmdpipe.report.pages import write_pages
from bmdpipe.report.summary import summarise

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """Reads a page and fails where a tag is left open or closed twice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, name: str) -> list[str]:
        return [found[name] for _, found in self.tags if name in found]


@pytest.fixture(scope="module")
def tree(make_tree: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_tree(tmp_path_factory.mktemp("pages") / "results").write()


@pytest.fixture(scope="module")
def out(tree: Any, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    config = ReportConfig(n_examples=2)
    write_pages(tree.run, summarise(tree.run, manifest), config, folder, "2026-01-02", 2)
    return folder


@pytest.fixture
def index(out: Path) -> Page:
    return Page((out / "index.html").read_text(encoding="utf-8"))


def pages(out: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(out.rglob("*.html"))}


def test_every_subject_has_a_page(out: Path, tree: Any) -> None:
    assert {path.stem for path in (out / "subjects").iterdir()} == set(tree.run.subjects)


def test_the_index_tells_every_experiment_metric_and_refusal(index: Page, tree: Any) -> None:
    for word in (
        *tree.run.study.experiments,
        "PCC",
        "ICC(A,1)",
        "MAE",
        "SEE",
        "RMS-CV",
        "true projection",
        "E_NO_PHANTOM",
        MEANING["E_NO_PHANTOM"],
        "E_REGISTRATION",
        "W_REGISTRATION",
        "slope error",
        "abc+",
        "folds.seed = 3",
    ):
        assert word in index.words, word
    assert "0.880" in index.words
    assert "[0.792, 0.968]" in index.words
    assert {f"stage-{stage}" for stage in PREPARATION} <= set(index.values("id"))


def test_pages_say_that_subjects_are_virtual_and_for_research_only(out: Path) -> None:
    for page in pages(out).values():
        assert "no clinical evidence" in page.words
        assert "For research only" in page.words


def test_a_clinical_cohort_is_not_called_virtual(
    tree: Any, manifest: dict[str, Any], tmp_path: Path
) -> None:
    run = type(tree.run)(**{**vars(tree.run), "virtual": False})
    write_pages(run, summarise(run, manifest), ReportConfig(), tmp_path, "", 1)
    for page in pages(tmp_path).values():
        assert "Virtual" not in page.words
        assert "virtual subject" not in page.words
        assert "For research only" in page.words


def test_a_cohort_of_cts_alone_has_no_section_on_what_was_not_done(
    make_tree: Any, manifest: dict[str, Any], tmp_path: Path
) -> None:
    bare = make_tree(tmp_path / "results", n=1)
    study = bare.run.study.model_copy(update={"experiments": {}})
    run = replace(bare.run, virtual=False, ct_only=True, study=study)
    for stage in CT_ONLY:
        folder = bare.folder(stage, subject="S1")
        write_record(folder, Record(stage, "S1", None, (), ()))
        values = {f"error_{i}": 0.125 for i in range(9)}
        write_metrics(folder, Metrics(values=values if stage == "recover" else {}))
    facts = {"sex": "M", "age_years": 65, "bmi": None, "side": "L", "dxa_abmd_g_cm2": None}
    write_json(bare.folder("import", subject="S1") / "subject.json", facts)
    write_json(bare.folder("roi", subject="S1") / "roi.json", {})
    out = tmp_path / "out"
    out.mkdir()
    write_pages(run, summarise(run, manifest), ReportConfig(), out, "", 1)
    found = pages(out)
    for page in found.values():
        for link in page.values("href"):
            assert not link.startswith("#") or link[1:] in page.values("id"), link
        assert "Registration against the known pose" in page.words
        for absent in ("Training", "Predictions", "Attention", "folds by subject"):
            assert absent not in page.words
    subject = found[out / "subjects" / "S1.html"]
    assert ("details", {"open": None}) in subject.tags, "the errors of the poses lie open"


def test_hostile_text_stays_text(out: Path) -> None:
    for path in (out / "index.html", out / "subjects/S4.html"):
        page = Page(path.read_text(encoding="utf-8"))
        assert all(tag != "script" for tag, _ in page.tags)
        assert "<script>alert('x')</script>" in page.words


def test_nothing_is_loaded_from_elsewhere(out: Path) -> None:
    for page in pages(out).values():
        for tag, found in page.tags:
            assert found.get("src", "data:").startswith("data:")
            if tag == "link":
                assert found["href"].startswith("data:")
            assert not any(name.startswith("on") for name in found)
        assert "http" not in " ".join(page.values("href"))
    text = (out / "index.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text


def test_every_link_leads_somewhere_and_every_id_is_one(out: Path) -> None:
    for path, page in pages(out).items():
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        for link in page.values("href"):
            if link.startswith("#"):
                assert link[1:] in ids, link
            elif not link.startswith("data:"):
                assert (path.parent / link).is_file(), link


def test_pictures_decode_and_have_words_for_who_cannot_see_them(out: Path) -> None:
    for page in pages(out).values():
        for tag, found in page.tags:
            if tag == "img":
                assert found["alt"]
                data = base64.b64decode(found["src"].split(",", 1)[1])
                with Image.open(io.BytesIO(data)) as image:
                    assert image.size == (int(found["width"]), int(found["height"]))


def test_only_the_examples_are_on_the_index(index: Page) -> None:
    labels = index.values("alt")
    assert "S1, calibration" in labels
    assert "S3, calibration" in labels
    assert "S2, calibration" not in labels


def test_a_subject_s_page_has_its_pictures_and_predictions(out: Path, tree: Any) -> None:
    page = Page((out / "subjects/S3.html").read_text(encoding="utf-8"))
    assert page.values("alt") == ["calibration", "segmentation", "region", "registration standing"]
    assert page.words.count("0.781") == len(tree.run.study.experiments)
    assert "too dark" in page.words
    assert "pelvis: similarity 0.1" in page.words


def test_a_quarantined_subject_s_page_says_why_and_shows_no_picture_after_it(out: Path) -> None:
    page = Page((out / "subjects/S4.html").read_text(encoding="utf-8"))
    assert "Quarantined" in page.words
    assert MEANING["E_NO_PHANTOM"] in page.words
    assert page.values("alt") == []
