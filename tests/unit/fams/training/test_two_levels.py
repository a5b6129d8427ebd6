"""The bilevel training equals the estimator, however subgroups are cut into blocks."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fams_problems import BOUND, NAMES, SEEDS, configured, problem, solved
from scrambled_executors import ScrambledExecutor

from heliostat.store.artifacts import ArtifactStore
from heliostat.values.canonical import decode, encode
from heliostat_methods.fams.estimators.fams import FAMS
from heliostat_methods.fams.training.prepared import Training, model, prepared, start
from heliostat_methods.fams.training.prior import Prior
from heliostat_methods.fams.training.problem import judged_rows, training_rows
from heliostat_methods.fams.training.two_levels import Summary, measures
from heliostat_search.pooled_moments import PooledMean, PooledMoments

ROUNDING = 2e-6
"""A summary is in float32: a mean or spread of about 1 is rounded by 6e-8, a log-variance 2 log s
by 1.2e-7, once in each of four rounds, 5e-7 in all, the most that was seen. Fourfold,
since the steps of the next round hand it on; a step that went another way would show as 0.05."""


def left(folder: Path, done: Any) -> Prior:
    """The prior that was judged: the last shared one."""
    item = decode(done.rows[-1].item)
    text = ArtifactStore(folder / "artifacts").get(item.prior.sha256)
    prior = decode(text.decode())
    assert isinstance(prior, Prior)
    return prior


def alone(**values: Any) -> FAMS:
    """The estimator on the same rows with the same settings."""
    train = training_rows(problem(), SEEDS.split, "test")
    made = FAMS(hidden=(4,), seed=SEEDS.own, **{**BOUND, **values})
    return made.fit(train.inputs, train.labels, sensitive_features=train.groups)


@pytest.mark.parametrize("block", [1, 2, 64])
@pytest.mark.parametrize("divergence", ["kl", "w2"])
@pytest.mark.parametrize("upper", ["closed", "adagrad"])
@pytest.mark.parametrize("persist", ["restart", "persistent"])
def test_equals_the_estimator(
    tmp_path: Path, persist: str, upper: str, divergence: str, block: int
) -> None:
    own = {"persist": persist, "upper": upper, "divergence": divergence}
    done = solved(tmp_path, configured(block=block, fams=own))
    prior, expected = left(tmp_path, done), alone(**own)
    mean, log_variance = (x[0] for x in expected.prior_.arrays())
    np.testing.assert_allclose(prior.mean, mean, atol=ROUNDING)
    np.testing.assert_allclose(prior.log_variance, log_variance, atol=ROUNDING)
    losses = np.nanmean(expected.history_["loss"], axis=1)
    assert [one["loss"] for one in done.result.rounds] == pytest.approx(losses, abs=ROUNDING)
    apart = [[one[f"of {name}"] for name in NAMES] for one in done.result.rounds]
    np.testing.assert_allclose(apart, expected.history_["divergence"], rtol=1e-5, atol=ROUNDING)


@pytest.mark.parametrize(
    "own",
    [
        {"damping": 0.5, "normalise": True, "lam": 3.0},
        {"group_weights": "population", "divergence": "kl"},
        {"eps": 0.0},
    ],
)
def test_other_settings_reach_both(tmp_path: Path, own: dict[str, Any]) -> None:
    prior = left(tmp_path, solved(tmp_path, configured(fams=own)))
    mean, log_variance = (x[0] for x in alone(**own).prior_.arrays())
    np.testing.assert_allclose(prior.mean, mean, atol=ROUNDING)
    np.testing.assert_allclose(prior.log_variance, log_variance, atol=ROUNDING)
    assert np.abs(prior.mean - alone().prior_.arrays()[0][0]).max() > 100 * ROUNDING


def test_the_model_scores_as_the_estimator_does(tmp_path: Path) -> None:
    prior = left(tmp_path, solved(tmp_path, configured()))
    training = Training(None, configured().fams, (4,), SEEDS.split, SEEDS.own, 2)  # type: ignore[arg-type]
    test = judged_rows(problem(), SEEDS.split, "test")
    scaling = prepared(problem(), training).scaling
    found = model(prior, scaling, training, ("0", "1")).scores(test.inputs)
    np.testing.assert_allclose(found, alone().predict_proba(test.inputs)[:, 1], atol=ROUNDING)


# Who solves which block, and when


@pytest.mark.parametrize("persist", ["restart", "persistent"])
def test_no_order_of_blocks_changes_a_bit(tmp_path: Path, persist: str) -> None:
    config = configured(fams={"persist": persist}, block=1)
    whole = solved(tmp_path / "whole", config)
    for seed in range(2):
        mixed = solved(
            tmp_path / f"mixed{seed}", config,
            executor=lambda side, seed=seed: ScrambledExecutor(side, seed),
        )  # fmt: skip
        assert (mixed.digest, encode(mixed.result)) == (whole.digest, encode(whole.result))
    again = solved(tmp_path / "whole", config)
    assert (again.evaluated, again.digest) == (0, whole.digest)


def test_the_prior_stands_in_no_item(tmp_path: Path) -> None:
    config = configured(hidden=[60, 40])
    done = solved(tmp_path, config)
    assert len(done.rows) == 3 * 4 + 1
    assert max(len(row.item) for row in done.rows) < 900
    for row in done.rows[:-1]:
        item = decode(row.item)
        assert item.prior.sha256 in row.shared
    rounds = [{decode(row.item).prior.sha256 for row in done.rows[at : at + 3]} for at in (0, 3, 6)]
    assert [len(one) for one in rounds] == [1, 1, 1]
    assert len(set.union(*rounds)) == 3


@pytest.mark.parametrize("persist", ["restart", "persistent"])
def test_a_subset_of_blocks_may_take_part(tmp_path: Path, persist: str) -> None:
    config = configured(block=1, fams={"blocks_per_round": 2, "persist": persist, "rounds": 6})
    rounds = solved(tmp_path, config).result.rounds
    present = [{name for name in one if name.startswith("of ")} for one in rounds]
    assert [len(one) for one in present] == [2] * 6
    assert len(set.union(*present)) > 2


def test_adagrads_memory_travels_with_the_prior_and_only_where_it_is_needed() -> None:
    for upper, kept in (("closed", False), ("adagrad", True)):
        settings = configured(fams={"upper": upper}).fams
        training = Training(None, settings, (4,), 3, 11, 2)  # type: ignore[arg-type]
        prior = start(prepared(problem(), training), training)
        assert (prior.squares is not None) == kept
        assert (prior.mean.dtype, prior.dims) == (np.float32, (3, 4, 1))


# What a block answers


def summary(values: Any, within: Any, groups: list[int], kind: str) -> Summary:
    pooled: Any
    if kind == "kl":
        pooled = PooledMoments.of(values, within=within)
    else:
        pooled = PooledMean.of(np.concatenate((values, np.sqrt(within)), axis=1))
    loss = np.array(groups, np.float32)
    return Summary(pooled, np.array(groups, np.int32), loss, 2 * loss)


@pytest.mark.parametrize("kind", ["kl", "w2"])
def test_merged_summaries_are_those_of_all_groups_at_once(kind: str) -> None:
    rng = np.random.default_rng(0)
    means = 5 + 1e-3 * rng.normal(size=(7, 4))
    variances = 1e-6 * rng.random((7, 4))
    parts = [slice(0, 1), slice(1, 4), slice(4, 7)]
    merged = reduce(
        Summary.merge,
        (summary(means[p], variances[p], list(range(7))[p], kind) for p in parts),
    )
    once = summary(means, variances, list(range(7)), kind)
    assert merged.pooled.weight == once.pooled.weight == 7
    np.testing.assert_allclose(merged.pooled.mean, once.pooled.mean, rtol=1e-13)
    if kind == "kl":
        np.testing.assert_allclose(merged.pooled.variance, once.pooled.variance, rtol=1e-9)
    for name in ("groups", "loss", "divergence"):
        assert getattr(merged, name).tolist() == getattr(once, name).tolist()


def test_few_subgroups_are_measured_by_name_and_no_name_hides_a_measure() -> None:
    of = measures(("loss", "divergence"))
    one = Summary(
        PooledMean(2.0, np.zeros(2)), np.array([0, 1], np.int32),
        np.array([0.25, 0.75], np.float32), np.array([1.0, 3.0], np.float32),
    )  # fmt: skip
    found = of(one)
    assert (found["loss"], found["divergence"]) == (0.5, 2.0)
    assert (found["of loss"], found["of divergence"]) == (1.0, 3.0)
    assert set(measures(("x",) * 13)(one)) == {
        "loss", "divergence_low", "divergence", "divergence_high",
    }  # fmt: skip


def test_held_log_variances_are_counted(tmp_path: Path) -> None:
    found = solved(tmp_path, configured(fams={"lr_posterior": 9.0, "lam": 0.0, "eps": 1.0})).result
    assert found.refused == ""
    assert sum(one.get("clamped", 0) for one in found.rounds) > 0
    assert all("clamped" not in one for one in solved(tmp_path / "b", configured()).result.rounds)


# What goes wrong


def test_a_loss_that_is_not_finite_is_a_refusal_that_names_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliostat_methods.fams.gaussian.block import LossNotFinite
    from heliostat_methods.fams.training import two_levels

    lower_level = two_levels.lower_level

    def explodes(*given: Any, **more: Any) -> Any:
        batch, round = given[2:4]
        if round == 2:
            raise LossNotFinite(int(batch.groups[0]), round)
        return lower_level(*given, **more)

    monkeypatch.setattr(two_levels, "lower_level", explodes)
    found = solved(tmp_path, configured()).result
    assert found.metrics == {}
    assert found.refused.startswith("round 3, block 0")
    assert "the loss is not finite; lower the learning rate" in found.refused
