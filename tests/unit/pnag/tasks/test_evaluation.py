"""Networks of a supernet evaluated, recalibrated, and trained by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from pnag_problems import SMALL, Context, problem

from heliostat_methods.pnag.config import RetrainConfig
from heliostat_methods.pnag.spaces.moves import all_architectures
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.tasks.evaluation import (
    Evaluation,
    Statistics,
    evaluate,
    recalibrate_networks,
)
from heliostat_methods.pnag.tasks.retraining import Retraining, retrain
from heliostat_methods.pnag.training.building import (
    TrainedSupernet,
    fresh_supernet,
    trained_supernet,
    weights_of,
)

ARCHS = all_architectures(SMALL)[::57]
GIVEN = problem()


@pytest.fixture(scope="module")
def shared() -> tuple[Context, Any, Any]:
    ctx = Context()
    net = fresh_supernet(GIVEN, SMALL, ctx.part, torch.Generator().manual_seed(8))
    return ctx, ctx.share(GIVEN), ctx.share(TrainedSupernet(weights_of(net), np.zeros(2)))


def test_networks_have_the_accuracies_that_they_have_one_by_one(shared: Any) -> None:
    ctx, given, net = shared
    together = evaluate(Evaluation(given, net, ARCHS), ctx)
    alone = [evaluate(Evaluation(given, net, arch[None]), ctx)[0] for arch in ARCHS]
    assert_array_equal(together, alone)
    assert len(set(alone)) > 1
    test = evaluate(Evaluation(given, net, ARCHS, "test"), ctx)
    assert not np.array_equal(test, together)


def test_extracted_networks_with_their_statistics_are_as_accurate(shared: Any) -> None:
    ctx, given, net = shared
    accuracy = evaluate(Evaluation(given, net, ARCHS), ctx)
    statistics = recalibrate_networks(Statistics(given, net, ARCHS), ctx)
    supernet = trained_supernet(GIVEN, ctx.shared(net).weights, SMALL, ctx.part)
    images, labels = GIVEN.valid.tensors("cpu")
    for arch, worth, one in zip(ARCHS, accuracy, statistics, strict=True):
        moments = {name: tuple(map(torch.from_numpy, pair)) for name, pair in one.items()}
        module: Any = extract(supernet, SMALL.blocks(arch), moments)  # type: ignore[arg-type]
        assert float((module(images).argmax(1) == labels).double().mean()) == worth


def test_a_network_trained_by_itself_is_drawn_by_its_name(shared: Any) -> None:
    ctx, given, _ = shared
    chosen = RetrainConfig.model_validate({"networks": 1, "epochs": 4, "batch": 16})
    one, again, other = (
        retrain(Retraining(given, chosen, ARCHS[3], seed), ctx) for seed in (0, 0, 1)
    )
    assert one == again != other
    assert min(one) >= 0 and max(one) <= 1


def test_a_network_learns_by_itself(shared: Any) -> None:
    ctx, given, _ = shared
    long = RetrainConfig.model_validate({"networks": 1, "epochs": 20, "batch": 16})
    valid, test = retrain(Retraining(given, long, ARCHS[3], 0), ctx)
    assert min(valid, test) > 0.6  # one of three classes by chance: 1/3
