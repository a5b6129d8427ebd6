"""What a run has left: ``found = found_networks("RUN")``, ``found.module(found.networks[0])``."""

from __future__ import annotations

from pathlib import Path

from heliostat.contract import RunView, find, next_command, runs_root
from heliostat.errors import ConfigError, listed
from heliostat_methods.pnag.cost.budget import Budget, read_any_budget, write
from heliostat_methods.pnag.found.networks import KIND, FoundNetwork, FoundNetworks

METHOD, PRODUCT = "pnag", "networks"


def found_networks(run: str, runs: Path | str | None = None) -> FoundNetworks:
    """Return the networks of a run's front with their weights, by rising cost.

    `run`: its id, a unique part of it, or a path; `runs`: the folder of runs, without one that of
    the command line. ``found.within(Budget("madds", 350e6))`` is the one for a budget,
    ``found.module(network)`` its module. Raises ConfigError for a run that left none.
    """
    view = RunView(find(run, runs_root(None if runs is None else Path(runs))))
    try:
        for product in view.products():
            if product["kind"] == KIND and product["name"] == PRODUCT:
                value = view.product(str(product["unique_name"]))
                if isinstance(value, FoundNetworks):
                    return value
        raise _none(run, view)
    finally:
        view.close()


def _none(run: str, view: RunView) -> ConfigError:
    expected = f"a run of {METHOD} that has trained networks"
    if view.method != METHOD:
        kinds = sorted({str(product["kind"]) for product in view.products()})
        left = f", which left {listed(kinds)}" if kinds else ""
        return ConfigError("run", run, expected, f"it is a run of {view.method}{left}")
    if view.result is None:
        at = view.so_far()
        told = f"it is {view.state}, and has left nothing yet" + (at and f" ({at})")
        return ConfigError("run", run, expected, told)
    return ConfigError(
        "run", run, expected,
        "it searched a space whose results are known and trained nothing; "
        f"{next_command('show', view.id, '--budget', 'COST')} tells an architecture",
    )  # fmt: skip


def chosen(found: FoundNetworks, run: str, budget: str | None, arch: str | None) -> FoundNetwork:
    """Return the network for a budget, or of an architecture's text; ConfigError where none is."""
    if (budget is None) == (arch is None):
        raise ConfigError(
            "--budget", budget, "either --budget or --arch", next_command("networks", "list", run)
        )
    return _of_text(found, run, arch) if budget is None else _within(found, str(budget))


def _of_text(found: FoundNetworks, run: str, arch: str | None) -> FoundNetwork:
    wanted = "".join(str(arch).split())
    for network in found.networks:
        if network.text == wanted:
            return network
    raise ConfigError(
        "--arch", arch, f"one of the {len(found.networks)} networks of the run's front",
        next_command("networks", "list", run),
    )  # fmt: skip


def _within(found: FoundNetworks, budget: str) -> FoundNetwork:
    try:
        asked = read_any_budget(budget, found.quantity)
        network = found.within(asked)
        cost = found.cost(network, asked.quantity)
    except ConfigError as error:
        raise ConfigError("--budget", budget, error.expected, error.hint) from None
    if cost > asked.value:
        least = write(Budget(asked.quantity, cost))
        raise ConfigError("--budget", budget, f"at least {least}, the cheapest network's cost")
    return network
