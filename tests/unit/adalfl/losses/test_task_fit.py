"""Losses fitted to the task's, on real data: they begin where people do, and can be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits

from heliostat_methods.adalfl import LossShape, fitted_network
from heliostat_methods.adalfl.losses.task_fit import fitted_to_task_loss
from heliostat_methods.adalfl.losses.usable import change_of_task_loss
from heliostat_methods.adalfl.stacks.dense import parameter_count
from heliostat_methods.adalfl.stacks.dense_networks import DenseNetworks
from heliostat_methods.adalfl.stacks.differentiable import pair_values
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.objectives import label_rows
from heliostat_methods.adalfl.training.sides import Batch, FrozenSide, Side, TaskSide
from heliostat_methods.adalfl.training.stacked import LossSide
from heliostat_search.loss_networks.network import drawn_layers
from heliostat_search.unrolled.sgd import SGD

SEEDS = 20
SHAPE = LossShape((40, 40))
PLAIN = SGD(0.01, 0.0, False, 0.0)


def drawn(shape: LossShape, seeds: int = SEEDS) -> torch.Tensor:
    return torch.stack(
        [
            torch.cat([w.reshape(-1) for w in drawn_layers(np.random.default_rng(s), shape.hidden)])
            for s in range(seeds)
        ]
    )


@pytest.fixture(scope="module")
def fitted() -> dict[str, torch.Tensor]:
    """Weights of 20 losses for each kind of task after 600 steps."""
    return {
        task: fitted_to_task_loss(
            drawn(SHAPE), SHAPE, task, 600, [np.random.default_rng(s) for s in range(SEEDS)]
        )
        for task in ("classification", "regression")
    }


def real(name: str) -> tuple[Any, int, Any]:
    """A task, its number of outputs, and batches of 100 rows for 20 runs by number."""
    found = load_digits() if name == "digits" else load_diabetes()
    x = torch.tensor((found.data - found.data.mean(0)) / (found.data.std(0) + 1e-9)).float()
    task: Any = "classification" if name == "digits" else "regression"
    classes = 10 if name == "digits" else 1
    y = found.target if name == "digits" else (found.target - 152.0) / 77.0
    labels = label_rows(y, task, classes, torch.float32)
    targets = torch.tensor(y)

    def batch(number: int) -> Batch:
        rng = np.random.default_rng(number)
        at = torch.from_numpy(np.stack([rng.permutation(len(x))[:100] for _ in range(SEEDS)]))
        return Batch(x[at], labels[at], targets[at])

    return task, classes, batch


def change(name: str, side: Side) -> torch.Tensor:
    task, classes, batch = real(name)
    widths = (64 if name == "digits" else 10, 16, classes)
    size = parameter_count(widths)

    def fresh(number: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(number)
        return 0.2 * torch.randn(SEEDS, size, generator=generator)

    networks = DenseNetworks(widths, fresh(0))
    return change_of_task_loss(side, task, networks, fresh, batch, PLAIN)


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_every_fitted_loss_is_usable(name: str, fitted: dict[str, torch.Tensor]) -> None:
    task = real(name)[0]
    found = change(name, LossSide(LossNetworkStack(fitted[task], SHAPE, task)))
    assert found.shape == (SEEDS,) and bool((found < 0).all())
    # about what a step along the task's own loss does
    own = change(name, TaskSide(task))
    assert bool((found < 0.4 * own).all())


def test_curves_fall_for_a_label_of_1_and_are_least_at_a_regressions_label(
    fitted: dict[str, torch.Tensor],
) -> None:
    grid = torch.linspace(0.02, 0.98, 49).expand(SEEDS, -1)
    values = pair_values(fitted["classification"], SHAPE, grid, torch.ones_like(grid))
    assert bool((values.diff(dim=1) < 0).all())
    for label in (-1.0, 0.0, 1.0):
        grid = torch.linspace(-3, 3, 121).expand(SEEDS, -1)
        values = pair_values(fitted["regression"], SHAPE, grid, torch.full_like(grid, label))
        least = grid[0][values.argmin(1)]
        assert bool(((least - label).abs() <= 0.6).all())


def test_a_stack_is_fitted_as_its_rows_alone(fitted: dict[str, torch.Tensor]) -> None:
    alone = fitted_to_task_loss(
        drawn(SHAPE)[3:4], SHAPE, "classification", 50, [np.random.default_rng(3)]
    )
    together = fitted_to_task_loss(
        drawn(SHAPE), SHAPE, "classification", 50, [np.random.default_rng(s) for s in range(SEEDS)]
    )
    torch.testing.assert_close(together[3:4], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "shape",
    [
        LossShape((20,), 0.01, 10.0, "smooth_leaky_relu"),
        LossShape((20,), output_activation="softplus"),
        LossShape((20,), class_reduction="mean"),
    ],
)
def test_other_shapes_are_fitted_too(shape: LossShape) -> None:
    network = fitted_network("classification", np.random.default_rng(0), shape)
    assert network.shape == shape
    curve = network.curve(1.0, np.linspace(0.05, 0.95, 19))
    assert curve[0] > curve[-1] + 1
    assert np.abs(network.curve(0.0, np.linspace(0, 1, 11))).max() < 0.7  # softplus(0) is log 2


def test_beside_the_tasks_loss_a_network_begins_at_0() -> None:
    shape = LossShape((20,), add_task_loss=True)
    network = fitted_network("classification", np.random.default_rng(0), shape)
    assert np.abs(network.curve(1.0, np.linspace(0, 1, 11))).max() < 0.05


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_a_loss_upside_down_is_unusable(name: str, fitted: dict[str, torch.Tensor]) -> None:
    task = real(name)[0]
    usual = LossSide(LossNetworkStack(fitted[task], SHAPE, task))

    class Negated:
        def slopes(self, outputs: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            values, slopes = usual.slopes(outputs, batch)
            return -values, -slopes

    assert bool((change(name, Negated()) > 0).all())


def test_numbers_that_are_not_finite_are_unusable_and_a_flat_loss_too() -> None:
    nan = FrozenSide(lambda out, y: (out * torch.nan).sum())
    assert change("digits", nan).tolist() == [torch.inf] * SEEDS
    huge = FrozenSide(lambda out, y: -1e38 * out.square().sum())
    assert change("diabetes", huge).tolist() == [torch.inf] * SEEDS
    flat = FrozenSide(lambda out, y: (0.0 * out).sum())
    assert change("digits", flat).tolist() == [0.0] * SEEDS
