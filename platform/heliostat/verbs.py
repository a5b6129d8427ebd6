"""For a method's own verb that starts runs: the options of `heliostat run`, and the start itself.

A verb takes its own options besides, and says the rest of the method's configuration by them::

    @click.command()
    @run_options
    def build(options: RunOptions) -> None:
        start_run("my_method", options, values={"batch": 8})

What follows is that of `heliostat run`: progress, journal, report, the way to resume, exit codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.cli.options import RunOptions, run_options
from heliostat.worker.numerics import prepare_environment

__all__ = ["RunOptions", "run_options", "start_run"]


def start_run(
    method: str,
    options: RunOptions,
    *,
    preset: str | None = None,
    values: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Start a run of a method as `heliostat run` does, and show its progress and its end.

    `values` are fields of the configuration over the preset's, `overrides` texts "field=value" over
    both. Raises ConfigError before any work for a configuration that is not usable.
    """
    options.hold_level(method)
    prepare_environment()
    from heliostat.cli.verbs.run import start_and_show
    from heliostat.plugins.registry import registry
    from heliostat.store.folder import runs_root

    start_and_show(
        registry().method(method),
        options.execution(runs_root(options.runs)),
        options,
        preset=preset,
        values=dict(values or {}),
        overrides=overrides,
        seed=seed,
    )
