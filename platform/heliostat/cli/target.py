"""What a command is to work on: METHOD, or CONFIG.toml with everything that the file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliostat.cli.options import is_file

if TYPE_CHECKING:
    from heliostat.contract.method import MethodSpec


@dataclass(frozen=True)
class Target:
    """A method and the settings that its file gives; options of the command line win over them."""

    method: MethodSpec
    values: Mapping[str, Any]
    source: str = ""
    preset: str | None = None
    seed: int | None = None
    lookahead: int | None = None


def read_target(text: str) -> Target:
    """Return the method of that name, or what the file of that name says.

    The plugins that the file blocks are blocked before any is imported, and its configuration is
    carried over to the method's version. Raises ConfigError or PluginError.
    """
    from heliostat.plugins.registry import registry

    if text.endswith(".toml") or is_file(text):
        return read_file(Path(text))
    return Target(registry().method(text), {})


def read_file(path: Path) -> Target:
    """Return what a configuration file says, as `read_target`."""
    from heliostat.driver.configuration import current_values, read_run_file
    from heliostat.plugins.registry import BLOCK_FIELD, registry
    from heliostat.store.folder import RunFolder

    file = read_run_file(path)
    if RunFolder(path.parent).database.exists():
        registry().block_again(file.block, str(path))
    else:
        registry().block(file.block, BLOCK_FIELD, str(path))
    method = registry().method(file.method)
    values = current_values(method, file, str(path))
    return Target(method, values, str(path), file.preset, file.seed, file.lookahead)
