"""A search as a report: pictures first, then tables and what may be concluded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import Section, Table, Text
from heliostat_methods.pnag.report.budgets import budgets_section
from heliostat_methods.pnag.report.fronts import front_section
from heliostat_methods.pnag.report.latency import latency_section
from heliostat_methods.pnag.report.progress import so_far
from heliostat_methods.pnag.report.searchers import searchers_section
from heliostat_methods.pnag.report.shared_weights import weights_section


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report; of what there is so far of a run that goes on."""
    result = view.result
    if result is None:
        return [so_far(view)]
    return [
        front_section(result),
        searchers_section(result),
        budgets_section(result),
        *weights_section(result),
        *latency_section(result),
        _settings(view.config),
    ]


def _settings(config: Mapping[str, Any]) -> Section:
    rows = [[name, value] for name, value in _flat(config)]
    told = "Every searcher had the same number of different networks; what differs is listed here."
    return Section("Settings", [Table(["field", "value"], rows), Text(told)])


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "-"
    return "-" if value is None or value == {} else str(value)
