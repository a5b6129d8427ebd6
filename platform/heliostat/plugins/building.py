"""The only builder of parts: what a configuration names becomes an object, in search and task.

A part is a plugin's, by name, with parameters or an argument (``csv:PATH``), or what a run of any
method left (``run:RUN/PRODUCT``), with the parameters of its kind. Files and products are those
that the run began with: each is known by its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from heliostat.contract.config import validate
from heliostat.contract.method import MethodSpec
from heliostat.contract.part import PartRef, PartSpec, check_part_object
from heliostat.contract.product_name import is_product
from heliostat.errors import DataError, MisuseError, PluginError, shown
from heliostat.plugins.input_files import InputFiles, not_begun_with
from heliostat.plugins.whereabouts import FILE, Whereabouts
from heliostat.process.guard import contained
from heliostat.terminal import printable
from heliostat.values.canonical import decode


class Offers(Protocol):
    """Where parts and methods are looked up by name."""

    def part(self, kind: str, name: str) -> PartSpec:
        """Return the part of that kind and name."""
        ...

    def method(self, name: str) -> MethodSpec:
        """Return the method of that name."""
        ...


class PartBuilder:
    """Builds the parts that a run's configuration names.

    `inputs` are the hashes of the files and products that the run began with, and None outside of a
    run; `directory` is where relative paths are meant from, `fetch(sha256)` gives the canonical
    text of a product. `files` finds the files that the run began with; without it they are where
    they were, and with `check_files` have to be the same: another machine may hold others. `tell`
    gets the `note` of a part that has one: what a user has to know of it, once.
    """

    def __init__(
        self,
        offers: Offers,
        fetch: Callable[[str], str],
        inputs: Mapping[str, str] | None,
        directory: Path,
        *,
        check_files: bool = False,
        files: InputFiles | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._offers = offers
        self._fetch = fetch
        self._inputs = inputs
        self._directory = directory
        self._files = files or InputFiles(
            inputs or {}, Whereabouts(directory), trusted=not check_files, here_alone=True
        )
        self._tell = tell
        self._told: set[str] = set()

    def __call__(self, kind: str, ref: PartRef) -> Any:
        """Return the part; raises DataError, ConfigError or PluginError when it cannot be built."""
        if not isinstance(ref, PartRef):
            raise MisuseError(
                f"part({kind!r}, {shown(ref)}): expected a PartRef, as a configuration field has "
                "it; write PartRef(name, parameters)"
            )
        if is_product(ref.name):
            part = self._from_product(kind, ref)
        else:
            spec = self._offers.part(kind, ref.name)
            params = validate(spec.config, dict(ref.params), f"{kind} {ref.name}")
            argument = argument_of(ref)
            if spec.inputs is not None:
                argument = self._place_of(spec, kind, ref, argument)
            with contained(f"{kind} {ref.name}: build"):
                part = spec.build(argument, params) if spec.prefix else spec.build(params)
        check_part_object(kind, ref.name, part)
        self._tell_once(ref.name, getattr(part, "note", ""))
        return part

    def _place_of(self, spec: PartSpec, kind: str, ref: PartRef, argument: str) -> str:
        """Return where the file or folder lies that a part is read from."""
        if self._inputs is None:  # a relative path is meant from where the run began
            return str(self._directory / argument) if argument else argument
        return self._files.argument(
            f"{kind} {ref.name}", kind, lambda place: files_of(spec, ref, place), argument
        )

    def _tell_once(self, name: str, note: object) -> None:
        if isinstance(note, str) and note:
            text = printable(f"{name}: {note}")
            if text not in self._told:
                self._told.add(text)
                self._tell(text)

    def _from_product(self, kind: str, ref: PartRef) -> Any:
        stored = (self._inputs or {}).get(f"{kind} {ref.name}")
        if stored is None:
            raise DataError(not_begun_with(ref.name, kind, kind))
        sha256, _, method = stored.partition(" ")
        value = decode(self._fetch(sha256))
        for product in self._offers.method(method).products:
            if product.kind == kind:
                params = validate(product.config, dict(ref.params), f"{kind} {ref.name}")
                with contained(f"{kind} {ref.name}: build"):
                    return product.made(value, params)
        raise PluginError(f"method {method} no longer says how to build a {kind}")


def products_in(inputs: Mapping[str, str]) -> list[str]:
    """Return the hashes of the products among a run's inputs."""
    return [
        value.partition(" ")[0] for label, value in inputs.items() if not label.startswith(FILE)
    ]


def builders_in(inputs: Mapping[str, str]) -> list[str]:
    """Return the methods that build the products among a run's inputs, each once."""
    found = [
        value.partition(" ")[2] for label, value in inputs.items() if not label.startswith(FILE)
    ]
    return list(dict.fromkeys(filter(None, found)))


def argument_of(ref: PartRef) -> str:
    """Return what follows the colon in the name of a family: the path of ``csv:PATH``."""
    return ref.name.partition(":")[2]


def files_of(spec: PartSpec, ref: PartRef, place: str) -> list[Path]:
    """Return the files that a part reads for an argument; raises DataError or PluginError."""
    if spec.inputs is None:
        return []
    with contained(f"{spec.kind} {ref.name}: inputs"):
        return [Path(file) for file in spec.inputs(place)]
