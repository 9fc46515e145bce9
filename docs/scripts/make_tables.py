"""Write docs/tables.md from finished tables: `python docs/scripts/make_tables.py results/demo`.

Table pages under the cohort's `tables` folder are shown as they were written; of a figure's page,
whose rows are a table's, the title, with the picture.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).parents[1] / "tables.md"
PAGES = ("table2", "table3", "fig10")
FIGURES = {"fig7": "fig7_dxa", "fig8": "fig8", "fig10": "fig10_dxa", "fig12": "fig12"}
IMAGES = TARGET.parent / "images" / "tables"
SKIPPED_COLUMNS = ("ICC(A,1)", "SEE")


def shown(page: Path) -> Iterator[str]:
    """A page one heading deeper, without the columns that the others imply."""
    lines = page.read_text(encoding="utf-8").splitlines()
    dropped: set[int] = set()
    for line in lines:
        if line.startswith("#"):
            yield f"#{line}"
        elif not line.startswith("|"):
            dropped = set()
            yield line
        else:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if "method" in cells:
                dropped = {
                    n for n, cell in enumerate(cells) if any(s in cell for s in SKIPPED_COLUMNS)
                }
            kept = (cell for n, cell in enumerate(cells) if n not in dropped)
            yield "| " + " | ".join(kept) + " |"


def page(folder: Path, note: str) -> Iterator[str]:
    yield "# The paper's tables, on virtual subjects\n"
    yield (
        "**Virtual subjects: no clinical evidence, and not to be ranked against results on "
        f"patients.** Written by `docs/scripts/make_tables.py`. {note}\n"
    )
    yield (
        "Rows are held-out subjects of all folds, with 95 % intervals over subjects; every row was "
        "trained with each seed, and all seeds are shown, also those that fail.\n"
    )
    for name in dict.fromkeys((*PAGES, *FIGURES)):
        for path in sorted(folder.rglob(f"{name}.md")):
            lines = list(shown(path))
            yield from lines if name in PAGES else lines[:1]
            yield ""
        for path in sorted(folder.rglob(f"{FIGURES.get(name)}.png")):
            IMAGES.mkdir(exist_ok=True)
            shutil.copy(path, IMAGES)
            yield f"![{name}](images/tables/{path.name})\n"


if __name__ == "__main__":
    tables = Path(sys.argv[1]) / "tables"
    TARGET.write_text("\n".join(page(tables, " ".join(sys.argv[2:]))).rstrip() + "\n")
