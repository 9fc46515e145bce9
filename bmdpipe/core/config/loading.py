"""Reading a config, with every fault told in one line that names the key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from bmdpipe.core.config.root import Config
from bmdpipe.core.errors import UsageError


def load_config(path: Path) -> Config:
    """The config in a YAML file. Raises UsageError, one line per fault."""
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such config file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        reason = " ".join(str(fault).split())
        raise UsageError(f"{path}: not a YAML file: {reason}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"{path}: a config is a mapping of sections")
    return parse_config(raw, str(path))


def parse_config(raw: Mapping[str, Any], source: str = "config") -> Config:
    """The config in a mapping. Raises UsageError, one line per fault."""
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as faults:
        lines = [f"{source}: {_line(fault)}" for fault in faults.errors()]
        raise UsageError("\n".join(lines)) from None


def _line(fault: Any) -> str:
    place = [str(part) for part in fault["loc"]]
    key = ".".join(place)
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _valid_keys(place[:-1]), n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"'{key}' is not a key{hint}"
    if fault["type"] == "missing":
        return f"'{key}' is missing"
    message = fault["msg"].removeprefix("Value error, ")
    given = fault["input"]
    shown = f" (got {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"'{key}': {message}{shown}"


def _valid_keys(place: list[str]) -> list[str]:
    """The keys of the section at a place in the config."""
    model: Any = Config
    for name in place:
        fields = getattr(model, "model_fields", {})
        if name in fields:  # else a name or number of the user's within a mapping or list
            model = _section_in(fields[name].annotation)
    return list(getattr(model, "model_fields", ()))


def _section_in(annotation: Any) -> Any:
    """The section model in an annotation such as `dict[str, Decomposer]` or `Section | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _section_in(argument)
        if found is not None:
            return found
    return None
