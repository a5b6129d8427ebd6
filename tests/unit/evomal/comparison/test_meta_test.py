"""Meta-testing: paired seeds, differences from the first loss, and losses that diverge."""

import numpy as np
import pytest

from heliostat.contract.part import PartRef
from heliostat.plugins.registry import registry
from heliostat_methods.evomal.commands.comparing import comparison_text
from heliostat_methods.evomal.comparison.meta_test import (
    MetaTestConfig,
    meta_test,
    problem_data,
    trained,
)
from heliostat_methods.evomal.learners.learner import learner
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_methods.evomal.losses.expression import parse
from heliostat_search.statistics import holm, paired

MSE, ABSOLUTE, UPHILL = (
    parse(text) for text in ("square(sub(y, f))", "abs(sub(y, f))", "mul(-1, square(sub(y, f)))")
)
TRAINING = TrainingConfig(steps=40, learning_rate=0.02, batch_size=32)
CONFIG = MetaTestConfig(TRAINING, seeds=6)


@pytest.fixture(scope="module")
def data():
    dataset, model = registry().part("dataset", "diabetes"), registry().part("model", "mlp")
    ref = PartRef("mlp", {"hidden": [6]}, "model")
    recipe = model.build(model.config.model_validate(dict(ref.params)))
    return problem_data(dataset.build(dataset.config()), recipe, ref, 3)


def test_the_data_are_split_as_a_search_splits_them(data):
    from heliostat.values.streams import stream
    from heliostat_search.splits import split

    spec = registry().part("dataset", "diabetes")
    parts = split(spec.build(spec.config()), stream(3, "split", "diabetes"))
    assert (data.test[0] == parts.test.inputs).all()
    assert (data.valid[1] == parts.valid.targets).all()
    assert (data.hidden, data.classes, data.metric) == ((6,), 1, "mse")


def test_differences_are_those_of_the_same_seeds(data):
    said = []
    account = meta_test([("mse", MSE), ("mae", ABSOLUTE)], data, CONFIG, said.append)
    first, second = account["losses"]
    alone = trained(ABSOLUTE, learner(data, data.test), TRAINING, 0, range(6)).fitness("mse")
    assert second["values"] == alone.tolist()
    expected = paired(second["values"], first["values"])
    assert second["against_first"]["difference"]["low"] == expected.difference.low
    assert second["against_first"]["t_p"] == second["against_first"]["holm_p"] == expected.t_p
    assert first["against_first"] is None
    assert said == [f"{n}: {k} of 6 trainings" for n in ("mse", "mae") for k in (5, 6)]


def test_a_replica_does_not_depend_on_how_many_others_there_are(data):
    problem = learner(data, data.test)
    together = trained(MSE, problem, TRAINING, 0, range(4)).theta
    assert (trained(MSE, problem, TRAINING, 0, [2]).theta[0] == together[2]).all()


def test_p_values_are_adjusted_for_the_number_of_losses(data):
    losses = [("mse", MSE), ("same", MSE), ("mae", ABSOLUTE)]
    _, same, other = meta_test(losses, data, CONFIG)["losses"]
    assert same["against_first"]["difference"]["mean"] == 0
    raw = [row["against_first"]["t_p"] for row in (same, other)]
    assert [row["against_first"]["holm_p"] for row in (same, other)] == holm(raw)


def test_a_loss_that_diverges_has_no_mean_and_no_difference(data):
    account = meta_test([("mse", MSE), ("uphill", UPHILL)], data, MetaTestConfig(
        TrainingConfig(steps=400, learning_rate=1.0), seeds=3))  # fmt: skip
    row = account["losses"][1]
    assert row["diverged"] == 3
    assert np.isinf(row["values"]).all()
    assert (row["mean"], row["against_first"]) == (None, None)
    assert "3 of 3 diverged" in comparison_text({**account, "notes": []})


def test_the_rate_is_the_best_on_validation_data_and_never_one_that_diverges(data):
    config = MetaTestConfig(TRAINING, seeds=2, rate_factors=(1e4, 1.0))
    (row,) = meta_test([("mse", MSE)], data, config)["losses"]
    assert row["learning_rate"] == pytest.approx(0.02)
