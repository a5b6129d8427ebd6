"""Searchers by name, with fields that differ from their defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.pnag.searchers.names import NAMES
from heliostat_methods.pnag.searchers.searcher import Recipe

_HOMES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ensemble": ("ensemble", "Ensemble", {}),
    "joint": ("joint", "Joint", {}),
    "gp": ("surrogate_front", "SurrogateFront", {}),
    "nsganet": ("nsganet", "NSGANet", {}),
    "independent": ("independent", "Independent", {}),
    "mnasnet": ("rewarded", "Rewarded", {"reward": "mnasnet"}),
    "tunas": ("rewarded", "Rewarded", {"reward": "tunas"}),
    "nsga2": ("nsga2", "NSGA2", {}),
    "pymoo_nsga2": ("pymoo_algorithms", "Pymoo", {"algorithm": "nsga2"}),
    "pymoo_nsga3": ("pymoo_algorithms", "Pymoo", {"algorithm": "nsga3"}),
    "optuna_nsga2": ("optuna_samplers", "OptunaNSGA2", {}),
    "optuna_tpe": ("optuna_samplers", "OptunaTPE", {}),
    "random": ("random_search", "RandomSearch", {}),
}


def recipe(name: str, fields: Mapping[str, Any]) -> Recipe:
    """Return a searcher's settings; ConfigError names an unknown searcher or a wrong field."""
    if name not in _HOMES:
        raise ConfigError("searcher", name, "a searcher", did_you_mean(name, NAMES))
    module, wanted, fixed = _HOMES[name]
    kind: Any = getattr(import_module(f"heliostat_methods.pnag.searchers.{module}"), wanted)
    made: Recipe = _made(f"settings.{name}", kind, {**fields, **fixed})
    return made


def _made(where: str, kind: Any, fields: Mapping[str, Any]) -> Any:
    known = [field.name for field in dataclasses.fields(kind)]
    for field in fields:
        if field not in known:
            hint = did_you_mean(field, known)
            raise ConfigError(f"{where}.{field}", fields[field], "a field of the searcher", hint)
    try:
        return TypeAdapter(kind).validate_python(dict(fields))
    except ConfigError as error:
        raise ConfigError(f"{where}.{error.field}", error.got, error.expected, error.hint) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{where}.{place}", first.get("input"), first["msg"]) from None
