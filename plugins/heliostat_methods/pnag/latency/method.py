"""The method `latency` as the platform sees it, and its verb `heliostat latency`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from heliostat import MethodSpec, hookimpl
from heliostat.contract import ProductSpec, next_command
from heliostat_methods.pnag.latency.config import LatencyConfig


def _search(config: LatencyConfig, run: Any) -> Any:
    from heliostat_methods.pnag.latency.search import search  # torch loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.pnag.latency.report import report

    return report(view)


def _describe(result: Mapping[str, Any], run_id: str) -> str:
    shape = " x ".join(map(str, result["input_shape"]))
    return (
        f"{result['blocks']} blocks of {result['space']} and {result['networks']} whole networks "
        f"timed\non images of {shape}, batch {result['batch']}, threads {result['threads']}\n"
        f"the table and its error: {next_command('latency', 'show', run_id)}"
    )


def _table(value: Mapping[str, Any]) -> Any:
    from heliostat_methods.pnag.cost.latency_table import read_table

    apart = [abs(one["predicted"] / one["measured"]["median"] - 1) for one in value["networks"]]
    return replace(read_table(value["table"]), error=sum(apart) / len(apart))


SMOKE: dict[str, Any] = {
    "space": {"name": "elastic_conv", "widths": [8, 16], "strides": [1, 2]},
    "networks": 4,
    "rounds": 2,
    "most_rounds": 3,
    "repeats": 3,
    "warm_up": 1,
}
"""Every step in seconds; its times mean little."""

DEMO: dict[str, Any] = {"image_size": 64, "batch": 4, "most_rounds": 12}
"""The small elastic space on images at which arithmetic takes the time rather than calls."""

METHOD = MethodSpec(
    name="latency",
    summary="latencies of a space's blocks on this machine, as a table that others sum",
    paper="1908.09791",
    config=LatencyConfig,
    search=_search,
    presets={"smoke": SMOKE, "demo": DEMO},
    products=[ProductSpec("latency_table", "seconds of blocks, summed to a network's", _table)],
    names="heliostat_methods.pnag.latency.search",
    report=_report,
    describe=_describe,
    on=lambda config: config.space.name,
    unit="rounds",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat latency`."""
    from heliostat_methods.pnag.latency.commands import latency  # only when a verb is looked for

    return [latency]
