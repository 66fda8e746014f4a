"""Settings of recommenders: tuned values from recommenders/configs/<name>.toml, overridden by given ones, checked."""

import dataclasses
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from app.errors import ConfigError, did_you_mean
from recommenders.contract import registry
from recommenders.contract.base import Recommender

# What a setting may be; written as types of the Config fields, checked where values enter.
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


@cache
def tuned(name: str, task: str = "") -> Mapping[str, Any]:
    """The values of recommenders/configs/<name>.toml; {} where there is no such file (the defaults serve).

    task  "click" or "rating": the values of the file's section of this name come over them; "" is what the chat uses
    """
    registry.get(name)  # an unknown name gets its own error
    file = resources.files("recommenders") / "configs" / f"{name}.toml"
    values = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    common = {key: value for key, value in values.items() if not isinstance(value, dict)}
    return {**common, **values.get(task, {})}


def configured(name: str, given: Mapping[str, object] | None = None, *, task: str = "") -> Recommender:
    """An unfitted recommender with its tuned settings for a task, overridden by `given`."""
    cls = registry.get(name)
    return cls(checked(name, cls.Config, {**tuned(name, task), **(given or {})}))


def checked(name: str, config: type[Any], values: Mapping[str, object]) -> Any:
    """A Config of these values. ConfigError for a setting it doesn't have or a value it can't take."""
    known = {f.name: f for f in dataclasses.fields(config)}
    for key in values:
        if key not in known:
            raise ConfigError(f"{name} has no setting {key!r}{did_you_mean(key, known)}")
    try:
        return TypeAdapter(config).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "?"
        default = getattr(config(), key, None)
        raise ConfigError(
            f"{name} cannot take {key} = {first['input']!r}: {first['msg']} (default: {default!r})"
        ) from error


def parsed(assignments: list[str]) -> dict[str, object]:
    """What `--set key=value` gives, read as TOML: numbers, true/false, strings; none means None."""
    values: dict[str, object] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"expected a setting as key=value, got {text!r}; for example: --set epochs=10")
        if value.strip().lower() == "none":
            values[key.strip()] = None
            continue
        try:
            values[key.strip()] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            values[key.strip()] = value.strip()
    return values
