"""What a trained run leaves: the networks of its front, and some trained by themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from heliostat import Run
from heliostat_methods.pnag.comparison.outcome import FrontNetwork, Retrained
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.found.networks import KIND, FoundNetwork, FoundNetworks
from heliostat_methods.pnag.fronts.archive import archive
from heliostat_methods.pnag.searches.supernet import Trained
from heliostat_methods.pnag.spaces.space import Archs
from heliostat_methods.pnag.tasks.evaluation import Statistics, recalibrate_networks
from heliostat_methods.pnag.tasks.measuring import TimedNetworks, time_networks
from heliostat_methods.pnag.tasks.retraining import Retraining, retrain
from heliostat_methods.pnag.tasks.teaching import Everything
from heliostat_methods.pnag.training.building import layout_of


def front_networks(
    config: PNAGConfig, trained: Trained, seen: Everything, run: Run
) -> list[FrontNetwork]:
    """Return the front of all that was evaluated by rising cost, and leave it as a product."""
    run.phase(f"{trained.problem.dataset}: testing the front")
    kept = archive(seen.accuracy, seen.cost)
    archs = seen.archs[kept]
    tests = trained.accuracies(archs, run, config.block, "test")
    costs, times = trained.costs(archs), _measured(trained, archs, run)
    networks = [
        FrontNetwork(
            trained.space.write(arch), float(seen.accuracy[place]), float(tests[row]),
            {name: float(values[row]) for name, values in costs.items()}, times[row],
        )
        for row, (place, arch) in enumerate(zip(kept, archs, strict=True))
    ]  # fmt: skip
    run.save("networks", _product(trained, archs, networks, run), kind=KIND)
    return networks


def _measured(trained: Trained, archs: Archs, run: Run) -> list[float | None]:
    """Return the seconds that networks take themselves, where a table says what they should."""
    if trained.table is None:
        return [None] * len(archs)
    setting = trained.table.setting
    item = TimedNetworks(trained.handle, trained.supernet, archs, setting.batch, setting.threads)
    outcome = run.observe(time_networks, item, shared=[trained.handle, trained.supernet])
    return [float(seconds) for seconds in outcome.unwrap()]


def _product(
    trained: Trained, archs: Archs, networks: list[FrontNetwork], run: Run
) -> FoundNetworks:
    item = Statistics(trained.handle, trained.supernet, archs)
    outcome = run.call(
        recalibrate_networks, item, shared=[trained.handle, trained.supernet],
        resources=trained.resources,
    )  # fmt: skip
    problem = trained.problem
    layout = layout_of(problem, trained.space)
    shapes = [shape for unit in layout.units for shape in unit]
    if layout.first is not None:
        shapes.append(layout.first)
    middles = sorted(
        {
            (shape.channels_in, expand, trained.space.middle(shape, expand))
            for shape in shapes
            for expand in shape.expands
        }
    )
    return FoundNetworks(
        layout, tuple(middles), problem.layers, problem.memory_format,
        trained.weights.weights, trained.quantity,
        tuple(
            FoundNetwork(
                one.text, trained.space.blocks(arch), statistics, one.accuracy, one.test,
                one.costs,
            )
            for one, arch, statistics in zip(networks, archs, outcome.unwrap(), strict=True)
        ),
        problem.dataset, problem.mean, problem.deviation, problem.labels,
    )  # fmt: skip


def retrained_networks(
    config: PNAGConfig, trained: Trained, seen: Everything, run: Run
) -> list[Retrained]:
    """Return networks evenly over the costs of all that was evaluated, trained by themselves."""
    places = _evenly(seen, config.retrain.networks)
    if len(places):
        run.phase(f"{trained.problem.dataset}: training networks by themselves")
    items = [
        Retraining(trained.handle, config.retrain, seen.archs[place], number)
        for number, place in enumerate(places)
    ]
    outcomes = run.map(retrain, items, shared=trained.handle, resources=trained.resources)
    return [
        Retrained(
            trained.space.write(seen.archs[place]), float(seen.accuracy[place]),
            outcome.unwrap()[0], float(seen.cost[place]),
        )
        for place, outcome in zip(places, outcomes, strict=True)
    ]  # fmt: skip


def _evenly(seen: Everything, count: int) -> NDArray[np.int64]:
    """Return the places of up to `count` networks at even ranks of cost."""
    order = np.lexsort((seen.accuracy, seen.cost))
    ranks = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(np.int64)
    places: NDArray[np.int64] = order[ranks].astype(np.int64)
    return places


def rank_correlation(found: list[Retrained]) -> float | None:
    """Return Kendall's tau-b of shared against own weights, None where it is not defined."""
    if len(found) < 3:
        return None
    tau = float(kendalltau([one.shared for one in found], [one.alone for one in found]).statistic)
    return None if np.isnan(tau) else tau
