"""What a search hands on: metric, splits, and losses reduced, rounded and scored again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_runs import Done, drive

from heliostat import ConfigError, PartRef
from heliostat.plugins.registry import registry
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.loading import load
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.method import SMOKE
from heliostat_methods.evomal.search import search
from heliostat_methods.evomal.searches.by_name import find_losses
from heliostat_methods.evomal.searches.found import FoundLosses
from heliostat_methods.evomal.searches.readable import readable
from heliostat_methods.evomal.searches.strategy import Posed

SMALL: dict[str, Any] = {
    **SMOKE, "population": 8, "tournament": 2, "meta_steps": 5, "filter_steps": 30,
    "base_steps": 16, "test_steps": 10, "test_seeds": 2, "test_block": 2,
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "generations": 1, "population": 8, "tournament": 2, "base_steps": 60, "meta_steps": 20,
    "initial": ["square(sub(y, f))", "square(sub(y, mul(f, 1)))",
                "add(square(sub(y, f)), mul(-1, abs(add(y, -1))))"],
}  # fmt: skip


def part(kind: str, ref: PartRef) -> Any:
    return registry().build_part(kind, ref)


def config(**changes: Any) -> EvoMALConfig:
    return EvoMALConfig.model_validate({**SMALL, **changes})


def run(folder: Path, settings: EvoMALConfig) -> Done:
    return drive(lambda r: search(settings, r), folder, build_part=part)


def found(folder: Path, **changes: Any) -> tuple[FoundLosses, FoundLosses]:
    """Return what a search found, before and after it was made readable."""
    settings = config(**{**GIVEN, **changes})

    def both(r: Any) -> tuple[FoundLosses, FoundLosses]:
        group = tuple(load(settings, ref, settings.model, r).data for ref in settings.datasets)
        posed = Posed(group, r.share(group))
        raw = find_losses(settings, posed, r)
        return raw, readable(raw, settings, posed, r)

    result: tuple[FoundLosses, FoundLosses] = drive(both, folder, build_part=part).result
    return result


def test_the_short_loss_is_within_a_standard_error_of_the_best(tmp_path: Path) -> None:
    raw, shown = found(tmp_path)
    best, short, whole = raw.best[0], shown.short, shown.readable
    assert short is not None and whole is not None and whole.error is not None
    assert 0 < whole.error < 1
    assert short.complexity <= whole.complexity <= best.complexity
    assert whole.fitness <= best.fitness + 0.1 * whole.error + 1e-6
    assert short.fitness <= best.fitness + 1.1 * whole.error + 1e-6
    digits = [len(f"{abs(w):.6g}".replace(".", "").strip("0")) for w in short.loss["weights"]]
    assert max(digits) <= 4
    assert shown.steps["training"] > raw.steps["training"]


def test_a_fitness_of_a_loss_scored_again_is_that_of_the_archive(tmp_path: Path) -> None:
    # nothing to reduce and nothing to round: the score is the search's own
    given = {"local_search": False, "initial": ["abs(sub(y, f))"], "population": 4,
             "crossover": 0, "mutation": 0, "elite": 1}  # fmt: skip
    raw, shown = found(tmp_path, **given)
    if raw.best[0].loss == shown.readable.loss:  # type: ignore[union-attr]
        assert shown.readable.fitness == raw.best[0].fitness  # type: ignore[union-attr]
    assert LossExpression.from_dict(shown.short.loss)  # type: ignore[union-attr]


def test_given_losses_and_networks_stay_as_they_are(tmp_path: Path) -> None:
    for changes in ({"baseline": "fixed"}, {"baseline": "ml3", "network_hidden": [4]}):
        raw, shown = found(tmp_path / str(changes["baseline"]), **changes)
        assert shown is raw and shown.short is None


def test_the_short_loss_is_a_contestant_and_what_is_kept(tmp_path: Path) -> None:
    (problem,) = run(tmp_path, config(**{**GIVEN, "base_steps": 16})).result["problems"]
    roles = {row["role"] for row in problem["comparison"]["losses"]}
    assert ("short" in roles) == (problem["short"]["loss"] != problem["readable"]["loss"])
    assert problem["training"]["steps"] in problem["comparison"]["curve_steps"]


@pytest.mark.parametrize(
    ("metric", "dataset", "stored"),
    [("mae", "diabetes", "mae"), ("rmse", "diabetes", "rmse"),
     ("balanced_error", "wine", "balanced_error"), ("log_loss", "wine", "cross_entropy"),
     ("auc", "wine", "auc_error")],
)  # fmt: skip
def test_the_metric_chooses_what_the_search_and_the_comparison_minimise(
    metric: str, dataset: str, stored: str, tmp_path: Path
) -> None:
    settings = config(metric=metric, datasets=[dataset], generations=1, racing=[8])
    (problem,) = run(tmp_path, settings).result["problems"]
    assert problem["metric"] == problem["comparison"]["metric"] == stored
    row = problem["comparison"]["losses"][0]
    assert stored not in row["others"]
    if metric == "rmse":
        squares = row["others"]["mse"]
        assert row["values"] == pytest.approx(np.sqrt(squares), rel=1e-5)
    assert all(math.isfinite(best["fitness"]) for best in problem["best"])


def test_a_metric_of_the_other_task_is_refused_with_those_that_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"metric = 'auc'.*one for regression: mse, rmse, mae"):
        run(tmp_path, config(metric="auc"))


def test_several_splits_have_trainings_each_and_an_interval_over_splits(tmp_path: Path) -> None:
    (problem,) = run(tmp_path, config(splits=3, datasets=["wine"])).result["problems"]
    comparison = problem["comparison"]
    assert comparison["splits"] == 3
    row = comparison["losses"][0]
    assert len(row["values"]) == 3 * 2 and len(row["rates"]) == 3
    one = next(o for o in comparison["against"] if o["role"] == "found")
    assert one["at_end"]["n"] == 3  # pairs are splits
    alone = run(tmp_path / "one", config(datasets=["wine"])).result["problems"][0]
    # the first split is that of the search, and stays the one that a single split is
    assert alone["comparison"]["losses"][0]["values"] == row["values"][:2]
    assert len({tuple(row["values"][k : k + 2]) for k in (0, 2, 4)}) > 1


def test_training_lengths_follow_rows_and_batch(tmp_path: Path) -> None:
    from heliostat_methods.evomal.searches.settings import comparison_steps

    def steps(dataset: str, **changes: Any) -> int:
        settings = config(datasets=[dataset], **{"test_steps": None, **changes})

        def look(r: Any) -> int:
            data = load(settings, settings.datasets[0], settings.model, r).data
            return comparison_steps(settings, data)

        result: int = drive(look, tmp_path / f"{dataset}{changes}", build_part=part).result
        return result

    assert steps("wine") == 1000  # the least
    assert steps("digits") == math.ceil(120 * 1078 / 128)
    assert steps("digits", test_epochs=1000.0) == math.ceil(1000 * 1078 / 128)
    assert steps("digits", test_epochs=1e5) == 10_000  # the most
    assert steps("digits", test_steps=7) == 7
