"""The files that are generated from the config models: default YAML, JSON schema, reference page.

`python -m bmdpipe.core.config.documents` writes them; a test keeps them in step with the models.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bmdpipe.core.atomic import write_text
from bmdpipe.core.config.root import Config

WIDTH = 96


def documents() -> dict[str, str]:
    """Path within the repository to content, for every generated file."""
    return {
        "config/default.yaml": default_yaml(),
        "config/schema.json": json.dumps(Config.model_json_schema(), indent=1) + "\n",
        "docs/config.md": reference_page(),
    }


def default_yaml() -> str:
    """Every key with its default and its description as a comment."""
    lines = [
        "# Every key with its default. Generated from the models in bmdpipe/core/config:",
        "# do not edit, write a file of your own with the keys that differ.",
        "",
    ]
    for name, info in Config.model_fields.items():
        lines += [*_yaml_field(name, info, 0), ""]
    return "\n".join(lines)


def reference_page() -> str:
    """The config reference in Markdown: one table per section."""
    parts = [
        "# Config reference",
        "",
        "Generated from the models in `bmdpipe/core/config` by `make docs`.",
        "A key that is not listed here is an error.",
    ]
    parts += _tables("", Config, "The top level.")
    return "\n".join(parts) + "\n"


def _yaml_field(name: str, info: FieldInfo, depth: int) -> list[str]:
    indent = "  " * depth
    comment = textwrap.wrap(info.description or "", WIDTH - len(indent) - 2)
    lines = [f"{indent}# {line}" for line in comment]
    model = _model_of(info)
    if model is not None and not _is_collection(info):
        lines.append(f"{indent}{name}:")
        for inner, inner_info in model.model_fields.items():
            lines += _yaml_field(inner, inner_info, depth + 1)
        return lines
    value = _default(info)
    if value is PydanticUndefined:
        return [*lines, f"{indent}{name}: # required"]
    return [*lines, *textwrap.indent(_yaml_value(name, _plain(value)), indent).splitlines()]


def _yaml_value(name: str, value: Any) -> str:
    """A key with its value: mappings in blocks, everything else on one line."""
    if isinstance(value, dict):
        return yaml.safe_dump({name: value}, sort_keys=False, default_flow_style=None)
    flow = yaml.safe_dump(value, sort_keys=False, default_flow_style=True, width=10_000)
    return f"{name}: {flow.strip().removesuffix('...').strip()}"


def _tables(prefix: str, model: type[BaseModel], intro: str) -> list[str]:
    title = f"## `{prefix}`" if prefix else "## Top level"
    parts = ["", title, "", intro, "", "| key | type | default | meaning |", "|---|---|---|---|"]
    deeper: list[str] = []
    for name, info in model.model_fields.items():
        inner = _model_of(info)
        place = f"{prefix}.{name}" if prefix else name
        meaning = (info.description or "").replace("|", "\\|")
        if inner is not None:
            below = f"{place}.<{_of_each(info)}>" if _is_collection(info) else place
            parts.append(f"| `{name}` | section | see `{below}` | {meaning} |")
            deeper += _tables(below, inner, (inner.__doc__ or "").strip().splitlines()[0])
            continue
        value = _default(info)
        shown = "required" if value is PydanticUndefined else f"`{json.dumps(_plain(value))}`"
        parts.append(f"| `{name}` | {_type_text(info)} | {shown} | {meaning} |")
    return parts + deeper


def _default(info: FieldInfo) -> Any:
    return info.get_default(call_default_factory=True, validated_data={})


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _is_collection(info: FieldInfo) -> bool:
    return get_origin(info.annotation) in (dict, tuple)


def _of_each(info: FieldInfo) -> str:
    return "name" if get_origin(info.annotation) is dict else "number"


def _model_of(info: FieldInfo) -> type[BaseModel] | None:
    for candidate in (info.annotation, *get_args(info.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _type_text(info: FieldInfo) -> str:
    annotation = info.annotation
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    if get_origin(annotation) is not None:
        text = str(annotation)
    text = text.replace("typing.", "").replace("Literal", "one of ").replace("|", "or")
    bounds = [
        f"{sign} {getattr(rule, attribute)}"
        for rule in info.metadata
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
        if getattr(rule, attribute, None) is not None
    ]
    return ", ".join([text, *bounds])


def main() -> None:
    """Write the generated files into the repository that this module stands in."""
    repository = Path(__file__).resolve().parents[3]
    for path, content in documents().items():
        write_text(repository / path, content)


if __name__ == "__main__":
    main()
