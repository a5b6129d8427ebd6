"""Tasks go on from what they kept, bit for bit, measurements included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat import PartRef
from heliostat.values.canonical import decode, encode
from heliostat_methods.adalfl.losses.beginning import Beginning
from heliostat_methods.adalfl.tasks import Begin, Settings, Training, begin, train
from heliostat_search.supervised.problem import Problem
from heliostat_search.supervised.streams import streams_from

BEGINNING = Beginning(
    "offline", (4,), 0.01, 10.0, "relu", "smooth_leaky_relu", "sum", False, 60, 2, 1e-2
)


class Recipe:
    """Statistics and masks, or a dense network."""

    def create(self, shape: tuple[int, ...], outputs: int, generator: torch.Generator) -> nn.Module:
        model = nn.Sequential(
            nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.2), nn.Linear(4, outputs)
        )
        for part in model.parameters():
            if part.ndim == 2:
                nn.init.normal_(part, generator=generator)
        return model


class Context:
    """What a worker gives a task, as far as these tasks use it."""

    device = "cpu"

    def __init__(self, kept: Any = None) -> None:
        self.kept, self.offered = kept, []  # type: ignore[var-annotated]
        self.rng = streams_from(4)

    def shared(self, handle: Any) -> Any:
        return handle

    def part(self, kind: str, ref: Any) -> Any:
        return Recipe()

    def restore(self, default: Any) -> Any:
        return default if self.kept is None else decode(self.kept)

    def checkpoint(self, state: Any) -> None:
        self.offered.append(encode(state))


@pytest.fixture(scope="module")
def given() -> SimpleNamespace:
    rng = np.random.default_rng(0)

    def part(rows: int) -> Any:
        x = rng.normal(size=(rows, 3)).astype(np.float32)
        return x, (x[:, 0] > 0).astype(np.int64)

    problem = Problem(
        "made", "classification", 2, (3,), PartRef("mlp"), None, part(30), part(12), part(12),
        "error_rate",
    )  # fmt: skip
    settings = Settings(
        0.05, 0.9, True, 1e-3, 8, 120, ((70, 0.5),), (0, 30, 60, 90, 120), (0, 55, 120), "stop"
    )
    return SimpleNamespace(problem=problem, settings=settings)


def same(a: Any, b: Any) -> None:
    assert encode(a) == encode(b)


def begun(given: Any, context: Context) -> Any:
    item = Begin(given.problem, given.settings, BEGINNING, (0, 3), "keep", 10)
    return begin(item, context)  # type: ignore[arg-type]


def test_a_beginning_goes_on_from_what_it_kept(given: Any) -> None:
    context = Context()
    whole = begun(given, context)
    assert len(context.offered) == 2 and whole.history.shape == (60, 2)
    for kept in context.offered:
        same(begun(given, Context(kept)), whole)


@pytest.mark.parametrize("adapts", ["loss", "rate", "nothing"])
def test_a_training_goes_on_from_what_it_kept(given: Any, adapts: Any) -> None:
    start = begun(given, Context()) if adapts == "loss" else None

    def trained(context: Context, detail: bool, factors: tuple[float, ...] = (1.0,)) -> Any:
        item = Training(
            given.problem, given.settings, adapts, 1e-2, None if start is None else BEGINNING,
            start, None, factors, (0, 3), detail,
        )  # fmt: skip
        return train(item, context)  # type: ignore[arg-type]

    for detail in (True, False):
        context = Context()
        whole = trained(context, detail)
        assert len(context.offered) == 2 and whole.valid.shape == (2, 5)
        for kept in context.offered:
            same(trained(Context(kept), detail), whole)

    # a stack of two rates is the trainings of each, one after another
    both = trained(Context(), True, (0.5, 1.0))
    assert both.valid.shape == (4, 5)
    for number, factor in enumerate((0.5, 1.0)):
        mine, alone = both.of_factor(number, 2), trained(Context(), True, (factor,))
        for name in ("valid", "test", "noted", "drawn", "minima", "phi"):
            found, expected = getattr(mine, name), getattr(alone, name)
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert (mine.ended, mine.reverts) == (alone.ended, alone.reverts)
