"""Comparisons through the public command, on tables of a few rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import InProcess

RUN = ("run", "adalfl", "--workers", "serial", "--no-report")
TINY: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [3]},
    "methods": ["task_loss", "adalfl"],
    "loss_network": {"hidden": [4]},
    "ml3_hidden": [4],
    "regression_steps": 20,
    "offline": {"steps": 2, "inner": 2},
    "steps": 6,
    "rate_factors": [1.0],
    "rate_growths": 1,
    "rate_seeds": 1,
    "seeds": 2,
    "stack": 2,
    "snapshots": 3,
    "batch_size": 8,
    "fractions": [0.6, 0.2, 0.2],
}


def options(values: dict[str, Any]) -> list[str]:
    """Return the settings as the command takes them."""
    found = []
    for name, value in values.items():
        found += ["-o", f"{name}={toml(value)}"]
    return found


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def write(folder: Path, name: str, rows: int, task: str, scale: float = 1.0) -> dict[str, Any]:
    """Write a table of two columns and a target; a third class has three rows only."""
    rng = np.random.default_rng(rows)
    u = rng.normal(size=(rows, 2))
    if task == "regression":
        y = scale * (u[:, 0] - 0.5 * u[:, 1])
    else:
        y = (u[:, 0] > 0).astype(int)
        y[:3] = 2
    lines = [f"{a!r},{b!r},{c!r}" for a, b, c in zip(*(scale * u).T.tolist(), y.tolist(),
                                                    strict=True)]  # fmt: skip
    (folder / name).write_text("\n".join(["a,b,y", *lines]) + "\n", encoding="utf-8")
    return {"name": f"csv:{name}", "target": "y", "task": task}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    return InProcess(tmp_path_factory.mktemp("adalfl"))


def run(here: InProcess, **values: Any) -> Any:
    return here(*RUN, *options({**TINY, **values}))


def result(here: InProcess, **values: Any) -> Any:
    done = run(here, **values)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")["result"]


def test_all_contestants_are_compared_and_stored(here: InProcess) -> None:
    from heliostat_methods.adalfl.names import METHODS

    dataset = write(here.folder, "all.csv", 40, "classification")
    found = result(
        here, dataset=dataset, methods=list(METHODS), meta_rates=[1e-3], inner_sweep=[1],
        references=["cross_entropy"], rate_factors=[1.0, 3.0], rate_growths=0, steps=3,
    )  # fmt: skip
    labels = [one["label"] for one in found["contestants"]]
    assert labels == [
        "task_loss", "adalfl", "adalfl, rate 0.001", "adalfl_offline", "adalfl_offline, 1 inner",
        "adalfl_random", "adalfl_softplus", "offline", "warm_start", "ml3", "learning_rate",
        "cross_entropy",
    ]  # fmt: skip
    by_label = {one["label"]: one for one in found["contestants"]}
    # a frozen loss that is the task's own trains as the task's own does
    own, reference = (by_label[name]["lines"][0]["values"] for name in
                      ("task_loss", "cross_entropy"))  # fmt: skip
    assert own == pytest.approx(reference)
    assert found["sentence"] and sum(found["rows"].values()) == 40
    for one in found["contestants"]:
        begins = one["label"] not in ("task_loss", "learning_rate", "cross_entropy")
        assert (one["beginning"] is not None) == begins
        assert len(one["tried"]) == 2
        assert bool(one["course"]["drawn"]) == begins
    products = here.json("show", "last")["products"]
    assert [one["name"] for one in products][:2] == ["loss", "loss-adalfl-rate-0-001"]
    assert len(products) == 9


def test_a_beginning_that_costs_more_than_the_budget_has_no_line_of_equal_cost(
    here: InProcess,
) -> None:
    dataset = write(here.folder, "cost.csv", 30, "regression")
    found = result(here, dataset=dataset, phi_init="offline")
    adapting = found["contestants"][1]
    assert "equal_cost" not in [line["way"] for line in adapting["lines"]]
    assert "(the beginning and one step of adalfl cost more" in found["sentence"]


def test_where_every_training_diverges_it_is_told_and_nothing_else_breaks(here: InProcess) -> None:
    dataset = write(here.folder, "far.csv", 30, "regression")
    with no_warnings():
        found = result(here, dataset=dataset, learning_rate=1e6, momentum=0.0, steps=30)
    for one in found["contestants"]:
        assert one["stopped"] == 2 and one["lines"][0]["exploded"] == 2
        assert one["lines"][0]["mean"] is None
    assert "test_metric" not in found
    assert here.json("show", "last")["products"] == []


def test_raise_fails_the_run_and_names_the_step(here: InProcess) -> None:
    dataset = write(here.folder, "far.csv", 30, "regression")
    done = run(here, dataset=dataset, learning_rate=1e6, steps=30, on_divergence="raise")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "numbers of training 0 of the stack are not finite" in done.stderr
    assert "step " in done.stderr


def test_an_unusable_loss_fails_the_run_or_is_replaced_as_configured(here: InProcess) -> None:
    dataset = write(here.folder, "usable.csv", 40, "classification")
    values = {"dataset": dataset, "methods": ["adalfl_random"], "seeds": 6, "stack": 6}
    kept = result(here, **values)["contestants"][0]["beginning"]
    assert 0 < kept["unusable"] < 6 and kept["replaced"] == 0
    replaced = result(here, **values, on_unusable="regression")["contestants"][0]["beginning"]
    assert replaced["replaced"] == replaced["unusable"] == kept["unusable"]
    done = run(here, **values, on_unusable="fail")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "raises the task's loss of fresh models by" in done.stderr
    assert "on_unusable = 'regression' begins such a loss from the task's" in done.stderr


def test_whether_a_loss_is_usable_is_not_decided_by_weight_decay(here: InProcess) -> None:
    """Which lowers the task's loss of fresh models by itself."""
    dataset = write(here.folder, "usable.csv", 40, "classification")
    values = {"dataset": dataset, "methods": ["adalfl_random"], "learning_rate": 0.005}
    changes = [
        result(here, **values, weight_decay=decay)["contestants"][0]["beginning"]["change"]
        for decay in (0.0, 100.0)
    ]
    assert changes[0] == changes[1]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"references": ["mse"]}, "references[0] = 'mse': expected a loss for classification"),
        ({"metric": "mse"}, "metric = 'mse': expected one for classification"),
        ({"model": "lenet5"}, "model = 'lenet5'"),
        ({"device": "cuda"}, "device = 'cuda': expected 'cpu' or 'auto' here"),
        ({"methods": ["adafl"]}, "did you mean 'adalfl'"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(
    here: InProcess, values: dict[str, Any], message: str
) -> None:
    dataset = write(here.folder, "refused.csv", 30, "classification")
    done = run(here, dataset=dataset, **values)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message in " ".join(done.stderr.split())


def magnitudes(low: int, high: int) -> Any:
    return st.floats(low, high).map(lambda power: float(f"{10.0**power:.3g}"))


@st.composite
def configurations(draw: Any) -> dict[str, Any]:
    from heliostat_methods.adalfl.names import METHODS

    one_of = st.sampled_from
    return {
        "rows": draw(st.integers(10, 30)),
        "scale": draw(magnitudes(-20, 20)),
        "task": draw(one_of(["regression", "classification"])),
        "values": {
            "model": draw(one_of([{"name": "linear"}, {"name": "mlp", "hidden": [2, 2]}])),
            "methods": draw(st.lists(one_of(list(METHODS)), min_size=1, max_size=3, unique=True)),
            "fractions": draw(one_of([[0.6, 0.2, 0.2], [0.9, 0.05, 0.05], [0.02, 0.02, 0.96]])),
            "loss_network": {
                "hidden": draw(one_of([[1], [3, 3]])),
                "gamma": draw(one_of([0.0, 0.01, 1.0])),
                "beta": draw(magnitudes(-6, 6)),
                "hidden_activation": draw(one_of(["relu", "smooth_leaky_relu"])),
                "add_task_loss": draw(st.booleans()),
                "class_reduction": draw(one_of(["sum", "mean"])),
            },
            "phi_init": draw(one_of(["task_loss_regression", "offline", "random"])),
            "offline": {
                "steps": draw(st.integers(0, 2)), "inner": draw(st.integers(1, 3)),
                "learning_rate": draw(magnitudes(-9, 6)),
            },
            "regression_steps": draw(st.integers(1, 5)),
            "on_unusable": draw(one_of(["keep", "regression", "fail"])),
            "meta_learning_rate": draw(st.just(0.0) | magnitudes(-9, 6)),
            "log_rate_step": draw(magnitudes(-9, 3)),
            "on_divergence": draw(one_of(["stop", "revert", "raise"])),
            "learning_rate": draw(magnitudes(-9, 6)),
            "momentum": draw(one_of([0.0, 0.9, 0.999])),
            "nesterov": draw(st.booleans()),
            "weight_decay": draw(st.just(0.0) | magnitudes(-9, 3)),
            "batch_size": draw(one_of([1, 2, 1000])),
            "steps": draw(st.integers(1, 4)),
            "rate_factors": draw(one_of([[1.0], [1e-9, 1e6], [0.3, 1.0]])),
            "rate_growths": draw(st.integers(0, 2)),
            "seeds": draw(st.integers(1, 3)),
            "stack": draw(st.integers(1, 3)),
            "snapshots": draw(st.integers(2, 5)),
        },
    }  # fmt: skip


OWN_WORDS = (
    "are not finite; on_divergence = 'stop' keeps the others",
    "on_unusable = 'regression' begins such a loss from the task's",
    "fractions = ",
    "too few",
)


@given(configurations())
@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_any_configuration_ends_with_numbers_or_in_words(
    here: InProcess, drawn: dict[str, Any]
) -> None:
    dataset = write(here.folder, "any.csv", drawn["rows"], drawn["task"], drawn["scale"])
    with no_warnings():
        done = run(here, dataset=dataset, **drawn["values"])
    assert "Traceback" not in done.stderr and "unexpected error" not in done.stderr, done.stderr
    if done.returncode:
        assert any(words in " ".join(done.stderr.split()) for words in OWN_WORDS), done.stderr
        return
    found = here.json("show", "last")["result"]
    for one in found["contestants"]:
        for line in one["lines"]:
            # a result holds infinity as {"$float": "inf"}
            values = [float(v["$float"] if isinstance(v, dict) else v) for v in line["values"]]
            assert not any(map(math.isnan, values))
            unseen = sum(not math.isfinite(v) for v in values)
            assert unseen <= line["exploded"]
            if len(values) - unseen >= 2:
                assert line["low"] <= line["mean"] <= line["high"]
    assert found["sentence"]


def no_warnings() -> Any:
    import warnings

    caught = warnings.catch_warnings()

    class Strict:
        def __enter__(self) -> None:
            caught.__enter__()
            warnings.simplefilter("error", RuntimeWarning)

        def __exit__(self, *raised: Any) -> None:
            caught.__exit__(*raised)

    return Strict()
