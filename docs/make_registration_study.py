"""Write docs/registration.md's tables from the rows of `registration_cases.py`.

    python docs/make_registration_study.py "true labels, roughened=a.jsonl" "network=b.jsonl"

Each part gets its title and tables; then follows what `fit_confidence.py` stored.

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

PAGE = Path(__file__).parent / "registration.md"
BEGIN, END = "<!-- tables: docs/make_registration_study.py -->", "<!-- end of tables -->"
Rows = Sequence[dict[str, Any]]
WITH_TRUTH = ("nominal", "near", "far")
STORED = Path(__file__).parents[1] / "bmdpipe" / "registration" / "confidence.json"


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


def verdicts() -> list[str]:
    """What the confidence model was worth on subjects that it was not fitted to."""
    held_out = json.loads(STORED.read_text("utf-8"))["provenance"]["held_out"]
    heads = ("body", *held_out["pelvis"])
    lines = [
        "| " + " | ".join(h.replace("_", " ") for h in heads) + " |",
        "|" + "---|" * len(heads),
    ]
    for body, figures in held_out.items():
        cells = (f"{v:.4f}" if isinstance(v, float) else str(v) for v in figures.values())
        lines.append(f"| {body} | " + " | ".join(cells) + " |")
    return lines


def tables(rows: Rows) -> list[str]:
    known = [row for row in rows if row["case"] in WITH_TRUTH]
    subjects = sorted({row["subject"] for row in rows})
    views = len({(row["subject"], row["positioning"]) for row in rows})
    errors = (
        "poses",
        "success",
        "reprojection, mm",
        "in-plane mTRE, mm",
        "depth, mm",
        "rotation, deg",
    )
    lines = [
        f"{views} radiographs of {len(subjects)} virtual subjects: {', '.join(subjects)}. Medians.",
        "",
        *table(known, ("start", "body", *errors), lambda r: (r["case"], kind(r)), accuracy),
        "",
        "By positioning, all these starts:",
        "",
        *table(
            known, ("positioning", "body", *errors), lambda r: (r["positioning"], kind(r)), accuracy
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", metavar="TITLE=ROWS")
    args = parser.parse_args()
    lines = []
    for part in args.parts:
        title, path = part.split("=", 1)
        rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
        lines += [f"### {title}", "", *tables(rows), ""]
    lines += ["### Confidence on held-out subjects", "", *verdicts()]
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    text = "\n".join([before + BEGIN, "", *lines, "", END + after])
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
