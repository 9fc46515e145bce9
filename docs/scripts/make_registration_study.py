"""Write docs/registration.md's tables from the rows of `registration_cases.py`.

    python docs/scripts/make_registration_study.py "roughened=a.jsonl" "network=b.jsonl,c.jsonl"

Each part gets its title and tables; then follows what `fit_confidence.py` stored, by whose model
every pose is judged.

Everything between the two marks of the page is replaced. Rows of one run only: mixing commits makes
no table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.registration.confidence import Signs, probability_of_success

PAGE = Path(__file__).parents[1] / "registration.md"
BEGIN, END = "<!-- tables: docs/scripts/make_registration_study.py -->", "<!-- end of tables -->"
Rows = Sequence[dict[str, Any]]
ERRORS = (
    "poses",
    "success",
    "reprojection, mm",
    "in-plane mTRE, mm",
    "depth, mm",
    "rotation, deg",
)
WITH_TRUTH = ("nominal", "near", "far")
STORED = Path(__file__).parents[2] / "bmdpipe" / "registration" / "confidence.json"


def kind(row: dict[str, Any]) -> str:
    return row["body"].split("_")[0]


def median(rows: Rows, key: str, size: bool = False) -> str:
    values = np.array([row[key] for row in rows if row.get(key) is not None], float)
    if not values.size:
        return "–"
    return f"{np.median(np.abs(values) if size else values):.2f}"


def table(rows: Rows, heads: Sequence[str], groups: Callable[[dict], tuple], cells) -> list[str]:
    """A Markdown table with a line per group, in order of appearance of its sorted keys."""
    found: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(groups(row), []).append(row)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for key in sorted(found):
        lines.append("| " + " | ".join([*map(str, key), *cells(found[key])]) + " |")
    return lines


def accuracy(rows: Rows) -> list[str]:
    share = 100.0 * np.mean([row["success"] for row in rows])
    return [
        str(len(rows)),
        f"{share:.1f} %",
        median(rows, "reprojection_median_mm"),
        median(rows, "in_plane_mm"),
        median(rows, "depth_mm", size=True),
        median(rows, "rotation_deg"),
    ]


def judge(rows: Rows) -> None:
    """Brings every row's verdict to the stored confidence model; a registration's pelvis stands
    before its femora, which count only where it does."""
    least, trusted = RegistrationConfig().min_confidence, False
    for row in rows:
        signs = Signs(**{name: row[name] for name in Signs.__dataclass_fields__})
        known = row["confidence"] > 0  # 0: the search ended at its bounds, or nothing was seen
        row["confidence"] = probability_of_success(row["body"], signs) if known else 0.0
        good = row["confidence"] >= least
        trusted = good if kind(row) == "pelvis" else trusted
        row["ok"] = good and trusted


def verdicts() -> list[str]:
    """What the confidence model was worth on subjects that it was not fitted to."""
    held_out = json.loads(STORED.read_text("utf-8"))["provenance"]["held_out"]
    lines = [
        "| " + " | ".join(head.replace("_", " ") for head in held_out[0]) + " |",
        "|" + "---|" * len(held_out[0]),
    ]
    for figures in held_out:
        cells = (
            "–" if v is None else f"{v:.4f}" if isinstance(v, float) else str(v)
            for v in figures.values()
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def tables(rows: Rows) -> list[str]:
    known = [row for row in rows if row["case"] in WITH_TRUTH]
    subjects = sorted({row["subject"] for row in rows})
    views = len({(row["file"], row["subject"], row["positioning"]) for row in rows})
    lines = [
        f"{views} radiographs of {len(subjects)} virtual subjects: {', '.join(subjects)}. Medians.",
        "",
        *table(known, ("start", "body", *ERRORS), lambda r: (r["case"], kind(r)), accuracy),
        "",
        "By positioning, all these starts:",
        "",
        *table(
            known, ("positioning", "body", *ERRORS), lambda r: (r["positioning"], kind(r)), accuracy
        ),
        "",
        "Every pose that failed from these starts:",
        "",
    ]
    failed = [row for row in known if not row["success"]]
    lines += [
        f"- {r['subject']} {r['positioning']} {r['body']}, {r['case']}: "
        f"{r['reprojection_median_mm']:.1f} mm, {'accepted' if r['ok'] else 'flagged'}"
        for r in failed
    ] or ["none."]
    nominal = [row for row in known if row.get("pf_error_percent") is not None]
    angles = [row for row in known if row.get("flexion_error_deg") is not None]
    lines += [
        "",
        f"Mean of the proximal femur's projection against the true pose: median size of the error "
        f"{median(nominal, 'pf_error_percent', True)} % ({len(nominal)} radiographs). Hip angles: "
        + ", ".join(
            f"{name.replace('_', ' ')} {median(angles, f'{name}_error_deg', True)} degrees"
            for name in ("flexion", "abduction", "external_rotation")
        )
        + f" ({len(angles)} hips). Processor time of a radiograph (three bodies): "
        f"{median(known, 'cpu_s')} s.",
        "",
    ]
    return lines


def real(rows: Rows) -> list[str]:
    """One real CT registered to radiographs that were computed from it."""

    def cells(own: Rows) -> list[str]:
        most = max(row["reprojection_median_mm"] for row in own)
        accepted = sum(row["ok"] for row in own)
        return [*accuracy(own), f"{most:.2f}", str(accepted)]

    return table(rows, ("body", *ERRORS, "largest reprojection, mm", "accepted"), body, cells)


def body(row: dict[str, Any]) -> tuple[str]:
    return (row["body"],)


def read(paths: str) -> list[dict[str, Any]]:
    """The rows of files, between commas, judged."""
    rows = [
        {"file": path, **json.loads(line)}
        for path in paths.split(",")
        for line in Path(path).read_text("utf-8").splitlines()
    ]
    judge(rows)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", metavar="TITLE=ROWS")
    parser.add_argument("--real", help="rows of registration_real_anatomy.py")
    args = parser.parse_args()
    lines = []
    for part in args.parts:
        title, paths = part.split("=", 1)
        lines += [f"### {title}", "", *tables(read(paths)), ""]
    lines += ["### Confidence on held-out subjects", "", *verdicts()]
    if args.real:
        lines += ["", "### Real anatomy", "", *real(read(args.real))]
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    text = "\n".join([before + BEGIN, "", *lines, "", END + after])
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
