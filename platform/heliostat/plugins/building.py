"""The only builder of parts: what a configuration names becomes an object, in search and task.

A part is a plugin's, by name, with parameters or an argument (``csv:PATH``), or what a run of any
method left (``run:RUN/PRODUCT``), with the parameters of its kind. Files and products are those
that the run began with: each is known by its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from heliostat.contract.config import validate
from heliostat.contract.files import regular_file
from heliostat.contract.method import MethodSpec
from heliostat.contract.part import PartRef, PartSpec, check_part_object
from heliostat.contract.product_name import is_product
from heliostat.errors import DataError, MisuseError, PluginError, nearest, shown
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
    text of a product. With `check_files` a file has to be the one that the run began with: another
    machine may hold another. `tell` gets the `note` of a part that has one: what a user has to know
    of it, once.
    """

    def __init__(
        self,
        offers: Offers,
        fetch: Callable[[str], str],
        inputs: Mapping[str, str] | None,
        directory: Path,
        *,
        check_files: bool = False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._offers = offers
        self._fetch = fetch
        self._inputs = inputs
        self._directory = directory
        self._check_hashes = check_files
        self._checked: set[Path] = set()
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
                if argument:  # a relative path is meant from where the run began
                    argument = str(self._directory / argument)
                self._check_files(spec, kind, ref, argument)
            with contained(f"{kind} {ref.name}: build"):
                part = spec.build(argument, params) if spec.prefix else spec.build(params)
        check_part_object(kind, ref.name, part)
        self._tell_once(ref.name, getattr(part, "note", ""))
        return part

    def _check_files(self, spec: PartSpec, kind: str, ref: PartRef, argument: str) -> None:
        if self._inputs is None or spec.inputs is None:
            return
        with contained(f"{kind} {ref.name}: inputs"):
            files = [file.absolute() for file in spec.inputs(argument)]
        for file in files:
            began = self._inputs.get(f"file {file}")
            if began is None:
                raise DataError(_not_begun_with(f"{kind} {ref.name}: {file}", "file", kind))
            if self._check_hashes and file not in self._checked and file_hash(file) != began:
                raise DataError(
                    f"{file} is not the file that the run began with; bring the same one to every "
                    "node, or restore it"
                )
            self._checked.add(file)

    def _tell_once(self, name: str, note: object) -> None:
        if isinstance(note, str) and note:
            text = printable(f"{name}: {note}")
            if text not in self._told:
                self._told.add(text)
                self._tell(text)

    def _from_product(self, kind: str, ref: PartRef) -> Any:
        stored = (self._inputs or {}).get(f"{kind} {ref.name}")
        if stored is None:
            raise DataError(_not_begun_with(ref.name, kind, kind))
        sha256, _, method = stored.partition(" ")
        value = decode(self._fetch(sha256))
        for product in self._offers.method(method).products:
            if product.kind == kind:
                params = validate(product.config, dict(ref.params), f"{kind} {ref.name}")
                with contained(f"{kind} {ref.name}: build"):
                    return product.made(value, params)
        raise PluginError(f"method {method} no longer says how to build a {kind}")


def _not_begun_with(what: str, sort: str, kind: str) -> str:
    return (
        f"{what} is no {sort} that this run began with; name it in a field of the configuration "
        f"that is annotated PartKind({kind!r})"
    )


def products_in(inputs: Mapping[str, str]) -> list[str]:
    """Return the hashes of the products among a run's inputs."""
    return [
        value.partition(" ")[0] for label, value in inputs.items() if not label.startswith("file ")
    ]


def builders_in(inputs: Mapping[str, str]) -> list[str]:
    """Return the methods that build the products among a run's inputs, each once."""
    found = [
        value.partition(" ")[2] for label, value in inputs.items() if not label.startswith("file ")
    ]
    return list(dict.fromkeys(filter(None, found)))


def argument_of(ref: PartRef) -> str:
    """Return what follows the colon in the name of a family: the path of ``csv:PATH``."""
    return ref.name.partition(":")[2]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; raises DataError naming the nearest file that is there."""
    try:
        with regular_file(path).open("rb") as file:  # piece by piece: a file may be large
            return hashlib.file_digest(file, "sha256").hexdigest()
    except ValueError as error:  # a NUL in it
        raise DataError(f"cannot read {str(path)!r}: {error}") from error
    except OSError as error:
        close = nearest(path.name, sorted(p.name for p in path.parent.glob("*")))
        hint = f"; did you mean {path.parent / close}?" if close and close != path.name else ""
        raise DataError(f"cannot read {path}: {error.strerror}{hint}") from error
