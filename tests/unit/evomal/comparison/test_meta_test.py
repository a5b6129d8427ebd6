"""Meta-testing: paired seeds, differences from the first loss, and losses that diverge."""

from dataclasses import replace

import numpy as np
import pytest

from heliostat.contract.part import PartRef
from heliostat.plugins.registry import registry
from heliostat_methods.evomal.comparison.correction import holm_corrected
from heliostat_methods.evomal.comparison.meta_test import (
    MetaTestConfig,
    meta_test,
    problem_data,
    trained,
)
from heliostat_methods.evomal.learners.learner import learner
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.report.comparison import comparison_lines
from heliostat_search.statistics import holm, paired

MSE, ABSOLUTE, UPHILL = (
    parse(text) for text in ("square(sub(y, f))", "abs(sub(y, f))", "mul(-1, square(sub(y, f)))")
)
TRAINING = TrainingConfig(steps=40, learning_rate=0.02, batch_size=32)
CONFIG = MetaTestConfig(TRAINING, seeds=6)


@pytest.fixture(scope="module")
def loaded():
    dataset, model = registry().part("dataset", "diabetes"), registry().part("model", "mlp")
    ref = PartRef("mlp", {"hidden": [6]}, "model")
    recipe = model.build(model.config.model_validate(dict(ref.params)))
    return problem_data(dataset.build(dataset.config()), recipe, ref, 3)


@pytest.fixture(scope="module")
def data(loaded):
    return loaded.data


def test_the_data_are_split_as_a_search_splits_them(data):
    from heliostat.values.streams import stream
    from heliostat_search.splits import split

    spec = registry().part("dataset", "diabetes")
    parts = split(spec.build(spec.config()), stream(3, "split", "diabetes"))
    assert (data.test[0] == parts.test.inputs).all()
    assert (data.valid[1] == parts.valid.targets).all()
    assert (data.hidden, data.classes, data.metric) == ((6,), 1, "mse")


def test_differences_are_those_of_the_same_seeds(data, loaded):
    said = []
    comparison = meta_test([("mse", MSE), ("mae", ABSOLUTE)], loaded, CONFIG, said.append)
    first, second = (comparison.role(f"{n}_best_rate") for n in ("standard", "reference1"))
    alone = trained(ABSOLUTE, learner(data, data.test), TRAINING, 0, range(6)).fitness("mse")
    assert list(second.values) == alone.tolist()
    expected = paired(second.values, first.values)
    (against,) = comparison.against
    assert against.at_end is not None
    assert against.at_end.difference.low == expected.difference.low
    assert against.at_end.t_p == expected.t_p
    assert holm_corrected(comparison, "at_end") == {"reference1": expected.t_p}
    assert said == [f"{n}, rate x 1: {k} of 6 trainings" for n in ("mse", "mae") for k in (5, 6)]


def test_a_replica_does_not_depend_on_how_many_others_there_are(data):
    problem = learner(data, data.test)
    together = trained(MSE, problem, TRAINING, 0, range(4)).theta
    assert (trained(MSE, problem, TRAINING, 0, [2]).theta[0] == together[2]).all()


def test_p_values_are_adjusted_for_the_number_of_losses(loaded):
    losses = [("mse", MSE), ("same", MSE), ("mae", ABSOLUTE)]
    comparison = meta_test(losses, loaded, CONFIG)
    raw = [one.at_end for one in comparison.against]
    assert raw[0] is not None and raw[1] is not None and raw[0].difference.mean == 0
    corrected = holm_corrected(comparison, "at_end")
    assert list(corrected.values()) == holm([raw[0].t_p, raw[1].t_p])


def test_a_loss_that_diverges_has_no_mean_and_no_difference(loaded):
    comparison = meta_test([("mse", MSE), ("uphill", UPHILL)], loaded, MetaTestConfig(
        TrainingConfig(steps=400, learning_rate=1.0), seeds=3))  # fmt: skip
    row = comparison.role("reference1_best_rate")
    assert (row.diverged, row.exploded, row.mean) == (3, 3, None)
    assert np.isinf(row.values).all()
    assert comparison.against[0].at_end is None
    text = "\n".join(comparison_lines(comparison))
    assert "no finite result  3 exploded" in text
    assert "at equal steps: no difference" not in text


def test_early_stopping_keeps_the_best_weights_of_a_loss_that_explodes_later(data, loaded):
    # squared error at a rate that diverges: the first steps are as good as any
    training = TrainingConfig(steps=400, learning_rate=0.5, batch_size=32)
    comparison = meta_test([("mse", MSE), ("mae", ABSOLUTE)], loaded, MetaTestConfig(training, 3))
    row = comparison.role("standard_best")
    assert row.exploded == 0 and row.mean is not None
    for kept, value in zip(row.kept, row.values, strict=True):
        assert kept in comparison.curve_steps and np.isfinite(value)
    # the metric is that of a training of so many steps: nothing else was kept
    seed, steps = 0, row.kept[0]
    short = TrainingConfig(steps=steps, learning_rate=0.5, batch_size=32)
    again = trained(MSE, learner(data, data.test), short, 0, [seed]).fitness("mse")[0]
    assert row.values[seed] == again


def test_the_rate_is_the_best_on_validation_data_and_never_one_that_diverges(loaded):
    config = MetaTestConfig(TRAINING, seeds=2, rate_factors=(1e4, 1.0), rate_growths=0)
    comparison = meta_test([("mse", MSE)], loaded, config)
    assert comparison.role("standard_best_rate").learning_rate == pytest.approx(0.02)


def test_a_grid_grows_until_the_best_rate_lies_inside(loaded):
    # at a ten-thousandth of a sensible rate nothing is learned in forty steps
    config = MetaTestConfig(
        TrainingConfig(steps=40, learning_rate=1e-6, batch_size=32), seeds=2,
        rate_factors=(0.1, 1.0, 10.0),
    )  # fmt: skip
    grown = meta_test([("mse", MSE)], loaded, config)
    (tried,) = grown.tried["standard"]
    assert max(one.factor for one in tried) > 1000
    assert not grown.role("standard_best_rate").edge
    held = meta_test([("mse", MSE), ("mae", ABSOLUTE)], loaded, replace(config, rate_growths=1))
    assert held.role("standard_best_rate").edge and held.role("reference1_best").edge
    said = "\n".join(comparison_lines(held))
    assert "not decided: the best rate of mae and of mse lies at the edge" in " ".join(said.split())
    assert "better than" not in said and "worse than mse" not in said
