"""What a configuration brings in from outside: files and products of other runs, by their hash."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from heliostat.contract.config import part_refs
from heliostat.contract.part import PartRef, PartSpec
from heliostat.contract.product_name import PRODUCT, is_product
from heliostat.errors import ConfigError, RunNotFound, nearest
from heliostat.plugins.building import argument_of, files_of
from heliostat.plugins.input_files import InputFiles, file_hash
from heliostat.plugins.part_names import check_product_parameters
from heliostat.plugins.registry import Registry
from heliostat.plugins.whereabouts import FILE
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import find
from heliostat.store.view import RunView

MOST_NAMED = 8
"""Products that a refusal lists."""


def resolve_inputs(
    config: BaseModel, registry: Registry, artifacts: ArtifactStore, root: Path, source: str = ""
) -> dict[str, str]:
    """Return {reference: hash} of all files and products; products are copied into the run.

    The hash of a product is followed by the method whose `ProductSpec` builds it. Raises
    ConfigError for a product that is not there, or for parameters that it does not take.
    """
    inputs: dict[str, str] = {}
    for path, ref in part_refs(config):
        if is_product(ref.name):
            try:
                copied = copy_product(path, ref, registry, artifacts, root)
            except ConfigError as error:
                raise error.in_file(source) from error.__cause__
            inputs[f"{ref.kind} {ref.name}"] = copied
            continue
        spec = registry.part(ref.kind, ref.name)
        if spec.inputs is not None:
            for file in files_of(spec, ref, argument_of(ref)):
                inputs[f"{FILE}{file.absolute()}"] = file_hash(file)
    return inputs


def check_inputs(config: BaseModel, registry: Registry, files: InputFiles) -> None:
    """Find all files that a run began with, where they are now.

    Raises IdentityChanged for the first that is another one, DataError for one that is nowhere.
    """
    for _, ref in part_refs(config):
        if is_product(ref.name):
            continue
        spec = registry.part(ref.kind, ref.name)
        if spec.inputs is not None:
            find_part_files(spec, ref, files)
    files.check_rest()


def find_part_files(spec: PartSpec, ref: PartRef, files: InputFiles) -> str:
    """Return where the file or folder lies that a part is read from."""
    what = f"{ref.kind} {ref.name}"
    return files.argument(
        what, ref.kind, lambda place: files_of(spec, ref, place), argument_of(ref)
    )


def bring_files(ref: PartRef, registry: Registry, files: InputFiles) -> dict[str, str]:
    """Return {label: hash} of a part's files: those that another run began with, or new ones."""
    spec = registry.part(ref.kind, ref.name)
    if spec.inputs is None:
        return {}

    def listed(place: str) -> list[Path]:
        return files_of(spec, ref, place)

    if not files.knows(argument_of(ref), listed):
        return files.add(argument_of(ref), listed)
    find_part_files(spec, ref, files)
    return files.seen()


def copy_product(
    path: str, ref: PartRef, registry: Registry, artifacts: ArtifactStore, root: Path
) -> str:
    """Copy a product of a run of the folder, and return its hash and the method that builds it."""
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
    builder = _builder(view, ref.kind, registry)
    for product in registry.method(builder).products:
        if product.kind == ref.kind:
            check_product_parameters(path, ref, product)
    sha256 = artifacts.put(view.folder.artifacts.get(chosen[0]["sha256"]))
    return f"{sha256} {builder}"


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
