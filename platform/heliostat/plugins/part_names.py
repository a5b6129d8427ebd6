"""Whether the parts that a configuration names are there, and their parameters valid."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel

from heliostat.contract.config import part_refs, validate
from heliostat.contract.part import PartRef, PartSpec
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
        if ref.name.startswith("run:"):
            if ref.params:
                raise ConfigError(path, ref.plain(), "no parameters beside run:ID", "", source)
            continue
        try:
            spec = parts.part(ref.kind, ref.name)
        except UnknownPart as error:
            hint = _nearest_part(ref, parts)
            raise ConfigError(path, ref.name, f"the name of a {ref.kind}", hint, source) from error
        if spec.inputs is not None and not ref.name.partition(":")[2]:
            raise ConfigError(
                path, ref.name, f"{spec.name}:PATH", f"{spec.name} is {spec.summary}", source
            )
        try:
            validate(spec.config, dict(ref.params))
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
