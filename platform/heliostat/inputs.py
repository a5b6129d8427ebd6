"""What a configuration brings in from outside: files and products of other runs, by their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from heliostat.config import part_refs
from heliostat.encoding import decode
from heliostat.errors import (
    ConfigError,
    DataError,
    IdentityChanged,
    PluginError,
    RunNotFound,
    nearest,
)
from heliostat.parts import PartRef, check_part_object
from heliostat.plugins import Registry
from heliostat.runs import RunView, find
from heliostat.store.artifacts import ArtifactStore

PRODUCT = "run:"


def resolve_inputs(
    config: BaseModel, registry: Registry, artifacts: ArtifactStore, root: Path
) -> dict[str, str]:
    """Return {reference: hash} of all files and products; products are copied into the run.

    The hash of a product is followed by the method whose `ProductSpec` builds it.
    """
    inputs: dict[str, str] = {}
    for path, ref in part_refs(config):
        if ref.name.startswith(PRODUCT):
            inputs[f"{ref.kind} {ref.name}"] = _copy_product(path, ref, artifacts, root)
            continue
        spec = registry.part(ref.kind, ref.name)
        if spec.inputs is not None:
            for file in spec.inputs(_argument(ref)):
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
    """Builds the parts that a run's configuration names."""

    def __init__(
        self,
        registry: Registry,
        artifacts: ArtifactStore,
        inputs: dict[str, str],
        directory: Path,
    ) -> None:
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
            part = spec.build(argument, params) if spec.prefix else spec.build(params)
        check_part_object(kind, ref.name, part)
        return part

    def _from_product(self, kind: str, ref: PartRef) -> Any:
        sha256, _, method = self._inputs[f"{kind} {ref.name}"].partition(" ")
        value = decode(self._artifacts.get(sha256).decode())
        for product in self._registry.method(method).products:
            if product.kind == kind:
                return product.build(value)
        raise PluginError(f"method {method} no longer says how to build a {kind}")


def _copy_product(path: str, ref: PartRef, artifacts: ArtifactStore, root: Path) -> str:
    run_name, _, name = ref.name.removeprefix(PRODUCT).partition("/")
    if run_name in ("", ".", "..") or not ref.name.isprintable():
        raise ConfigError(path, ref.name, "run:RUN or run:RUN/PRODUCT of this folder of runs")
    try:
        view = RunView(find(run_name, root))
    except RunNotFound as error:
        raise ConfigError(path, ref.name, "a run of this folder", str(error)) from error
    products = [p for p in view.products() if p["kind"] == ref.kind]
    chosen = [p for p in products if not name or p["name"] == name]
    if not chosen:
        names = ", ".join(str(p["name"]) for p in products) or f"none of kind {ref.kind}"
        raise ConfigError(
            path, ref.name, f"a run with a product of kind {ref.kind!r}", f"it has: {names}"
        )
    sha256 = artifacts.put(view.folder.artifacts.get(chosen[0]["sha256"]))
    return f"{sha256} {view.method}"


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
