"""The templates: what is printed on a page is escaped, what is printed in Markdown is not."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bmdpipe.report.numbers import duration, number, unit_text


def render(template: str, **values: Any) -> str:
    """A template of this package filled in; a value that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("bmdpipe.report"),
        autoescape=not template.endswith(".md"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["duration"] = duration
    environment.filters["unit"] = unit_text
    return environment.get_template(template).render(**values)
