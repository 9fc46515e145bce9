"""The tables of docs/projection.md from the output of the projection benchmarks.

`python benchmarks/projection_tables.py OUTPUT [GROWTH] [--write]`: `OUTPUT` is what
`benchmarks/projection.py` printed (its last line is JSON), `GROWTH` the same of
`benchmarks/projection_growth.py`. Prints Markdown; with `--write` puts it between the marks
`<!-- speed -->`, `<!-- growth -->` and their ends in docs/projection.md.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "projection.md"
BODIES = ("body", "bones", "femur")
VIEWS = ("ap", "tilted")
EXACT_GOAL = {"body": 5, "bones": 4, "femur": 15}
FACTORED_GOAL = {"body": (30, 1.5e-3), "bones": (28, 7e-3), "femur": (35, 6e-3)}
SIDDON_GOAL = 1.5
RATE_GOAL = {"body": 200, "femur": 2000}
LABELS = {
    "voxels": "voxels",
    "pixels": "pixels",
    "batch (one femur)": "batch of a femur, 1 to 32",
    "threads (one image)": "threads, one image of the body",
    "threads (32 images)": "threads, 32 images of a femur",
}


def last_json(path: Path) -> dict[str, Any]:
    lines = [line for line in path.read_text().splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{path} has no line of JSON: the benchmark did not end")
    return json.loads(lines[-1])


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def cell(rows: list[dict[str, Any]]) -> str:
    times = " / ".join(number(row["ms"]) for row in rows)
    ratios = " / ".join(number(row["rtk_over"]) for row in rows if "rtk_over" in row)
    return f"{times} ({ratios})" if ratios else times


def error(row: dict[str, Any]) -> str:
    return f"{row['error']:.1e}".replace("e-0", "e-") if row["error"] else "–"


def speed(result: dict[str, Any]) -> str:
    """By engine: ms at two threads by view, speed over itk-rtk in brackets, error of the first."""
    before, after = result["load_before"][0], result["load_after"][0]
    run = (
        f"One run of `benchmarks/projection.py` ({result['date']}): {result['cores']}-core machine,"
        f" pinned to {result['pinned']} cores, load {before:.1f} at the start and {after:.1f} at"
        " the end."
    )
    lines = [
        run,
        "",
        "| engine | "
        + " | ".join(f"{b} ({result[b]['occupied']:.1%} occupied) | error" for b in BODIES)
        + " |",
        "|---|" + "---|---|" * len(BODIES),
    ]
    for label in result["body"]["ap_2"]:
        cells = []
        for body in BODIES:
            rows = [result[body][f"{v}_2"][label] for v in VIEWS if label in result[body][f"{v}_2"]]
            cells += [cell(rows), error(rows[0])]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += ["", "| asked | reached, antero-posterior / tilted, 2 threads |", "|---|---|"]
    lines += [f"| {what} | {got} |" for what, got in goals(result)]
    return "\n".join(lines)


def goals(result: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for body in BODIES:
        found = [result[body][f"{v}_2"] for v in VIEWS]
        times = [number(f["native joseph"].get("rtk_over", 0)) for f in found]
        rows.append((f"exact {body}: {EXACT_GOAL[body]} x itk-rtk", " / ".join(times)))
        least, most = FACTORED_GOAL[body]
        within = next(
            (
                label
                for label in ("fast", "standard", "fine")
                if all(f[f"native factored {label}"]["error"] <= most for f in found)
            ),
            "fine",
        )
        times = [number(f[f"native factored {within}"].get("rtk_over", 0)) for f in found]
        errors = [error(f[f"native factored {within}"]) for f in found]
        rows.append(
            (
                f"factored {body}: {least} x itk-rtk at {most:.1e}".replace("e-0", "e-"),
                f"{' / '.join(times)} at {' / '.join(errors)} ({within})",
            )
        )
    for threads in (1, 2):
        times = [
            number(result["body"][f"{v}_{threads}"]["native siddon"].get("plastimatch_over", 0))
            for v in VIEWS
        ]
        rows.append(
            (f"Siddon, body: {SIDDON_GOAL} x plastimatch, {threads} thread(s)", " / ".join(times))
        )
    for body in BODIES:
        aim = f"{RATE_GOAL[body]:,} asked" if body in RATE_GOAL else "none asked"
        one = result[body]
        rates = (
            f"{one['images_per_s']:,.0f} images fast, {one['exact_images_per_s']:,.0f} exact, "
            f"{one['scores_per_s']:,.0f} scores, {one['small_scores_per_s']:,.0f} scores at "
            "120 x 100 pixels of 3.4 mm"
        )
        rows.append((f"{body}, per second in batches ({aim})", rates))
    most = max(result[body]["memory_over_body"] for body in BODIES)
    rows.append(("memory beside the voxels: under 1.5 of their int16 size", f"at most {most:.2f}"))
    return rows


def growth(result: dict[str, Any]) -> str:
    """Fitted exponents, and the distance to what the machine could do."""
    methods = list(next(iter(result["exponents"].values())))
    lines = [
        f"One run ({result['date']}), load {result['load'][0]:.1f}, {result['cores']} cores:",
        "",
        "| exponent of time with | " + " | ".join(methods) + " |",
        "|---|" + "---|" * len(methods),
    ]
    for what, by_method in result["exponents"].items():
        lines.append(
            f"| {LABELS[what]} | " + " | ".join(f"{by_method[m]:+.2f}" for m in methods) + " |"
        )
    for what in ("threads (one image)", "threads (32 images)"):
        gains = {m: " / ".join(gain(t)) for m, t in result["ms"][what].items()}
        lines.append(f"| speed-up, {LABELS[what]} | " + " | ".join(gains.values()) + " |")
    machine = result["machine"]
    lines += [
        "",
        "The machine read "
        + " and ".join(
            f"{m['gb_per_s']:.0f} GB/s and {m['gflop_per_s']:.0f} Gflop/s at {n} thread(s)"
            for n, m in machine.items()
        )
        + ". Times over its limit (the larger of memory and arithmetic):",
        "",
        "| body | limit, ms | " + " | ".join(methods) + " |",
        "|---|---|" + "---|" * len(methods),
    ]
    for name, row in result["distance"].items():
        limit = max(row["memory_ms"], row["arithmetic_ms"])
        over = " | ".join(
            f"{row[f'{m}_ms']:.1f} ms, {row[f'{m}_over_limit']:.1f} x" for m in methods
        )
        lines.append(f"| {name} | {limit:.2f} | {over} |")
    return "\n".join(lines)


def gain(times: dict[str, float]) -> list[str]:
    one = times["1.0"]
    return [f"{one / ms:.1f}" for threads, ms in times.items() if float(threads) > 1]


def put(page: str, mark: str, text: str) -> str:
    found = re.compile(f"(<!-- {mark} -->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    if not found.search(page):
        raise SystemExit(f"{PAGE.name} has no mark {mark!r}")
    return found.sub(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page)


def main(arguments: list[str]) -> None:
    paths = [Path(a) for a in arguments if a != "--write"]
    if not paths or len(paths) > 2:
        raise SystemExit(__doc__)
    texts = {"speed": speed(last_json(paths[0]))}
    if len(paths) == 2:
        texts["growth"] = growth(last_json(paths[1]))
    if "--write" in arguments:
        page = PAGE.read_text()
        for mark, text in texts.items():
            page = put(page, mark, text)
        PAGE.write_text(page)
    print("\n\n".join(texts.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
