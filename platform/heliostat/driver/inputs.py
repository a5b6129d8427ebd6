"""What a configuration brings in from outside: files and products of other runs, by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from heliostat.contract.config import part_refs
from heliostat.contract.guard import contained
from heliostat.contract.part import PartRef, check_part_object
from heliostat.errors import (
    ConfigError,
    DataError,
    IdentityChanged,
    PluginError,
    RunNotFound,
    nearest,
)
from heliostat.plugins.registry import Registry
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import find
from heliostat.store.view import RunView
from heliostat.terminal import printable
from heliostat.values.canonical import decode

PRODUCT = "run:"
MOST_NAMED = 8
"""Products that a refusal lists."""


def resolve_inputs(
    config: BaseModel, registry: Registry, artifacts: ArtifactStore, root: Path
) -> dict[str, str]:
    """Return {reference: hash} of all files and products; products are copied into the run.

    The hash of a product is followed by the method whose `ProductSpec` builds it.
    """
    inputs: dict[str, str] = {}
    for path, ref in part_refs(config):
        if ref.name.startswith(PRODUCT):
            inputs[f"{ref.kind} {ref.name}"] = _copy_product(path, ref, registry, artifacts, root)
            continue
        spec = registry.part(ref.kind, ref.name)
        if spec.inputs is not None:
            with contained(f"{ref.kind} {ref.name}: inputs"):
                files = list(spec.inputs(_argument(ref)))
            for file in files:
                inputs[f"file {file.absolute()}"] = _file_hash(file)
    return inputs


def check_inputs(stored: dict[str, str]) -> None:
    """Raise IdentityChanged for the first file that is not what it was when the run began."""
    for label, sha256 in stored.items():
        if label.startswith("file "):
            now = _file_hash(Path(label.removeprefix("file ")))
            if now != sha256:
                raise IdentityChanged(
                    label, sha256[:12], now[:12], "restore the file or start a new run"
                )


class PartBuilder:
    """Builds the parts that a run's configuration names.

    `tell` gets the `note` of a part that has one: what a user has to know of it, once.
    """

    def __init__(
        self,
        registry: Registry,
        artifacts: ArtifactStore,
        inputs: dict[str, str],
        directory: Path,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self._registry = registry
        self._artifacts = artifacts
        self._inputs = inputs
        self._directory = directory

    def __call__(self, kind: str, ref: PartRef) -> Any:
        """Return the part; raises DataError, ConfigError or PluginError when it cannot be built."""
        if ref.name.startswith(PRODUCT):
            part = self._from_product(kind, ref)
        else:
            spec = self._registry.part(kind, ref.name)
            params = spec.config.model_validate(dict(ref.params))
            argument = _argument(ref)
            if spec.inputs is not None:  # a relative path is meant from where the run began
                argument = str(self._directory / argument)
            with contained(f"{kind} {ref.name}: build"):
                part = spec.build(argument, params) if spec.prefix else spec.build(params)
        check_part_object(kind, ref.name, part)
        self._tell_once(ref.name, getattr(part, "note", ""))
        return part

    def _tell_once(self, name: str, note: object) -> None:
        if isinstance(note, str) and note:
            text = printable(f"{name}: {note}")
            if text not in self._told:
                self._told.add(text)
                self._tell(text)

    def _from_product(self, kind: str, ref: PartRef) -> Any:
        sha256, _, method = self._inputs[f"{kind} {ref.name}"].partition(" ")
        value = decode(self._artifacts.get(sha256).decode())
        for product in self._registry.method(method).products:
            if product.kind == kind:
                with contained(f"{kind} {ref.name}: build"):
                    return product.build(value)
        raise PluginError(f"method {method} no longer says how to build a {kind}")


def _copy_product(
    path: str, ref: PartRef, registry: Registry, artifacts: ArtifactStore, root: Path
) -> str:
    run_name, _, name = ref.name.removeprefix(PRODUCT).partition("/")
    if run_name in ("", ".", "..") or not ref.name.isprintable():
        raise ConfigError(path, ref.name, "run:RUN or run:RUN/PRODUCT of this folder of runs")
    try:
        view = RunView(find(run_name, root))
    except RunNotFound as error:
        raise ConfigError(path, ref.name, "a run of this folder", str(error)) from error
    products = [p for p in view.products() if p["kind"] == ref.kind]
    chosen = [p for p in products if not name or name in (p["unique_name"], p["name"])]
    if len(chosen) != 1:
        raise _not_one(path, ref, [str(p["unique_name"]) for p in chosen or products], name)
    sha256 = artifacts.put(view.folder.artifacts.get(chosen[0]["sha256"]))
    return f"{sha256} {_builder(view, ref.kind, registry)}"


def _not_one(path: str, ref: PartRef, names: list[str], name: str) -> ConfigError:
    """Return the refusal of a reference that names none of a run's products, or several."""
    if not names:
        expected = f"a run with a product of kind {ref.kind!r}"
        return ConfigError(path, ref.name, expected, f"it has: none of kind {ref.kind}")
    begin = f"{PRODUCT}{ref.name.removeprefix(PRODUCT).partition('/')[0]}/"
    close = nearest(name, names) if name else None
    has = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    hint = f"did you mean {begin}{close}?" if close and close != name else f"it has: {has}"
    return ConfigError(path, ref.name, f"one product of that run: {begin}PRODUCT", hint)


def _builder(view: RunView, kind: str, registry: Registry) -> str:
    """Return the method that builds a run's products of this kind: its own, or one that it ran."""
    methods = [view.method]
    methods_run = registry.method(view.method).methods_run
    if methods_run is not None:
        methods += methods_run(view.config)
    for name in methods:
        if any(product.kind == kind for product in registry.method(name).products):
            return name
    return view.method


def _argument(ref: PartRef) -> str:
    return ref.name.partition(":")[2]


def _file_hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except ValueError as error:  # a NUL in it
        raise DataError(f"cannot read {str(path)!r}: {error}") from error
    except OSError as error:
        close = nearest(path.name, sorted(p.name for p in path.parent.glob("*")))
        hint = f"; did you mean {path.parent / close}?" if close and close != path.name else ""
        raise DataError(f"cannot read {path}: {error.strerror}{hint}") from error
