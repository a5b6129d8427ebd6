"""What methods say of a machine: data, fonts or programs that they can use, there or not."""

from __future__ import annotations

from collections.abc import Iterator

from heliostat.contract.finding import Finding
from heliostat.errors import PluginError, told
from heliostat.plugins.registry import Registry
from heliostat.process.guard import contained


def of_methods(plugins: Registry) -> Iterator[Finding]:
    """Yield what every method finds; one that cannot be asked is a warning with the reason."""
    for name in plugins.method_names():
        try:
            yield from _of_method(name, plugins)
        except Exception as error:
            mend = "runs of other methods work; see: heliostat plugins"
            yield Finding(name, "warning", f"could not be asked: {told(error)}", mend)


def _of_method(name: str, plugins: Registry) -> list[Finding]:
    examine = plugins.method(name).examine
    if examine is None:
        return []
    with contained("examine"):
        found = list(examine())
    for one in found:
        if not isinstance(one, Finding):
            kind = type(one).__name__
            raise PluginError(f"examine returned a list with a {kind}, expected a Finding")
    return found
