"""Reading YAML into pydantic models: `path=value` overrides, and errors that name the nearest valid key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class Config(BaseModel):
    """A part of a recipe: immutable, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ConfigError(ValueError):
    """A recipe that cannot be used; the message names the key."""


ConfigType = TypeVar("ConfigType", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; `ConfigError` names the file and line of what is wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such recipe file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: found {type(content).__name__}, expected a mapping of keys to values")
    return content


def override(content: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A copy of `content` with `a.b.0.c=value` assignments applied; values are read as YAML."""
    out: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(content), sort_keys=False))
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"found {assignment!r}, expected path=value, for example train.epochs=10")
        value = _value(path, text)
        *parents, last = path.split(".")
        if not all((*parents, last)):
            raise ConfigError(f"found {assignment!r}, expected path=value, for example train.epochs=10")
        node: Any = out
        for part in parents:
            node = _child(node, part, path)
        if isinstance(node, list):
            node[_position(node, last, path)] = value
        elif isinstance(node, dict):
            node[last] = value
        else:
            raise ConfigError(f"{path}: {parents[-1]} is a plain value and has no key {last!r}")
    return out


def validate(kind: type[ConfigType], content: Mapping[str, Any], where: str) -> ConfigType:
    """`content` as a `kind`; `ConfigError` lists every wrong key in one line, with the nearest valid one."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        items: list[dict[str, Any]] = [dict(item) for item in error.errors()]
        causes = [item for item in items if not any(_lies_in(other["loc"], item["loc"]) for other in items)]
        problems = "; ".join(_describe(kind, item) for item in causes)
        raise ConfigError(f"{where}: {problems}") from None


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint ", did you mean ...?" or the list of what is known."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"


def _value(path: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {text!r} is not YAML: {' '.join(str(error).split())}") from None


def _child(node: Any, part: str, path: str) -> Any:
    if isinstance(node, list):
        return node[_position(node, part, path)]
    if isinstance(node, dict):
        return node.setdefault(part, {})
    raise ConfigError(f"{path}: {part!r} is looked for inside a plain value")


def _position(node: list[Any], part: str, path: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise ConfigError(f"{path}: found {part!r}, expected an index below {len(node)}")
    return int(part)


def _lies_in(inner: Sequence[Any], outer: Sequence[Any]) -> bool:
    """Whether a place is below another one, whose error then only follows from the first."""
    return len(inner) > len(outer) and tuple(inner[: len(outer)]) == tuple(outer)


def _describe(kind: type[BaseModel], item: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{location}: unknown key, {nearest(str(item['loc'][-1]), _fields_at(kind, item['loc'][:-1]))}"
    if item["type"] == "missing":
        return f"{location}: missing"
    found = item.get("input")
    return f"{location}: {item['msg'].removeprefix('Value error, ')} (found {found!r})"


def _fields_at(kind: type[BaseModel], location: Sequence[Any]) -> list[str]:
    """The keys that the nested model at `location` accepts."""
    for part in location:
        field = kind.model_fields.get(str(part))
        if field is None:
            continue
        models = [m for m in _models_in(field.annotation) if issubclass(m, BaseModel)]
        if models:
            kind = models[0]
    return list(kind.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
