"""The method as the platform sees it, and its verb `heliostat verify-relations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import MethodSpec, hookimpl
from heliostat.contract import ProductSpec
from heliostat_methods.amplitudes.config import EVERY, AmplitudesConfig


def _search(config: AmplitudesConfig, run: Any) -> Any:
    from heliostat_methods.amplitudes.search import search  # sympy and numba load when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.amplitudes.report.page import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.amplitudes.report.terminal import describe

    return describe(result, run_id)


def _on(config: AmplitudesConfig) -> str:
    """Return what is proved in a few words."""
    names = config.relations()
    what = "all relations" if EVERY in config.relation else ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 and EVERY not in config.relation else ""
    legs = f", n = {', '.join(map(str, config.n))}" if config.n else ""
    return f"{what}{more}{legs}"


SMOKE: dict[str, Any] = {
    "relation": ["pair", "trace", "ads_flat"],
    "n": [4],
    "points": 1,
    "primes": 1,
    "chunk": 4,
    "reconstruct": ["nlsm"],
    "reconstruct_legs": 4,
    "figures": False,
}
"""Three relations of four legs, and one number lifted from residues."""

DEMO: dict[str, Any] = {
    "n": [3, 4, 5],
    "points": 1,
    "batch": 65_536,
    "batch_legs": 8,
    "cost_legs": 9,
    "integrate": 131_072,
    "reconstruct": ["ym", "bas", "psi_ym"],
    "reconstruct_legs": 5,
    "discover": ["operators", "poles"],
    "discover_legs": 5,
}
"""Every relation up to five legs, floats over phase space, cost, reconstruction, discovery."""

PAPER: dict[str, Any] = {"points": 3, "primes": 3}
"""Every relation for the numbers of legs that it is proved for here; the papers name none [R]."""

METHOD = MethodSpec(
    name="amplitudes",
    summary="amplitudes, one-loop integrands, (A)dS wavefunctions by currents; relations proved",
    paper="2210.15411",
    config=AmplitudesConfig,
    search=_search,
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    products=[ProductSpec(
        "certificate", "relations with points, primes and both sides", lambda value: value
    )],
    names="heliostat_methods.amplitudes.task_names",
    report=_report,
    describe=_describe,
    on=_on,
    unit="comparisons",
)  # fmt: skip


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat verify-relations`."""
    from heliostat_methods.amplitudes.commands.verify_relations import verify_relations

    return [verify_relations]
