"""Whether the parts that a configuration names are there, and their parameters valid."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel

from heliostat.contract.config import part_refs, validate
from heliostat.contract.method import ProductSpec
from heliostat.contract.part import PartRef, PartSpec
from heliostat.contract.product_name import is_product
from heliostat.errors import ConfigError, UnknownPart, did_you_mean


class Parts(Protocol):
    """Where parts are looked up by name."""

    def part(self, kind: str, name: str) -> PartSpec:
        """Return the part of that kind and name."""
        ...

    def parts(self, kind: str | None = None) -> list[PartSpec]:
        """Return all parts of a kind."""
        ...


def check_parts(config: BaseModel, parts: Parts, source: str = "") -> None:
    """Raise ConfigError for the first part whose name or parameters are not valid."""
    for path, ref in part_refs(config):
        if is_product(ref.name):
            continue  # which method builds it is known once its run is opened
        try:
            spec = parts.part(ref.kind, ref.name)
        except UnknownPart as error:
            hint = _nearest_part(ref, parts)
            raise ConfigError(path, ref.name, f"the name of a {ref.kind}", hint, source) from error
        if spec.inputs is not None and not spec.bare and not ref.name.partition(":")[2]:
            raise ConfigError(
                path, ref.name, f"{spec.name}:PATH", f"{spec.name} is {spec.summary}", source
            )
        _check_parameters(path, ref, spec.config, source)


def check_product_parameters(
    path: str, ref: PartRef, product: ProductSpec, source: str = ""
) -> None:
    """Raise ConfigError for the first parameter of a product that is not valid."""
    if ref.params and not product.takes_parameters:
        raise ConfigError(path, ref.plain(), "no parameters beside run:ID", "", source)
    _check_parameters(path, ref, product.config, source)


def _check_parameters(path: str, ref: PartRef, config: type[BaseModel], source: str) -> None:
    try:
        validate(config, dict(ref.params))
    except ConfigError as inner:
        raise ConfigError(
            f"{path}.{inner.field}", inner.got, inner.expected, inner.hint, source
        ) from None


def _nearest_part(ref: PartRef, parts: Parts) -> str:
    known = parts.parts(ref.kind)
    families = [part.name for part in known if part.prefix]
    suffix = ref.name.rpartition(".")[2].lower()
    if suffix in families and "." in ref.name and ":" not in ref.name:
        return f"did you mean {f'{suffix}:{ref.name}'!r}?"  # the path of a file, left bare
    hint = did_you_mean(ref.name, [part.name for part in known])
    of_files = ", ".join(f"{name}:..." for name in families)
    return f"{hint}; or of a file, {of_files}" if families else hint
