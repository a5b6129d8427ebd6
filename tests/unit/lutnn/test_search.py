"""Comparisons through the public command, on images of a few pixels."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import InProcess

from heliostat_methods.lutnn.names import DENSE, UNTRAINED, VARIANTS

Image = pytest.importorskip("PIL.Image")
PICTURES = {"name": "image_folder:pictures", "size": 6, "channels": 1}
FEW = {**PICTURES, "name": "image_folder:few"}
RUN = ("run", "lutnn", "--workers", "serial", "--no-report")
KINDS = ("dense", "dense_longer", "int8", "pq", "maddness", "lutnn")
TINY: dict[str, Any] = {
    "model": {"name": "cnn", "channels": [2, 2]},
    "variants": ["dense", "pq", "lutnn"],
    "steps": 3,
    "tuning_steps": 3,
    "calibration_rows": 16,
    "rate_factors": [1.0],
    "rate_growths": 0,
    "rate_seeds": 1,
    "seeds": 2,
    "batch_size": 8,
    "timed_batches": [1],
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


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    found = InProcess(tmp_path_factory.mktemp("lutnn"))
    pictures(found.folder / "pictures", 30)
    pictures(found.folder / "few", 8)
    return found


def pictures(folder: Path, rows: int) -> None:
    """Write pictures of 6 x 6 pixels in two classes: bright above, bright below."""
    rng = np.random.default_rng(rows)
    for row in range(rows):
        pixels = rng.integers(0, 100, (6, 6))
        pixels[:3] += 100 * (row % 2)
        (folder / "ab"[row % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "ab"[row % 2] / f"{row}.png")


def run(here: InProcess, **values: Any) -> Any:
    return here(*RUN, *options({**TINY, "dataset": PICTURES, **values}))


def shown(here: InProcess, **values: Any) -> Any:
    done = run(here, **values)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")


@pytest.fixture(scope="module")
def compared(here: InProcess) -> Any:
    """A run of all kinds of variants, ended."""
    return shown(
        here, variants=list(KINDS), metric="log_loss", rate_factors=[0.3, 1.0], tuning_steps=7,
        linear=5, keep_last=False,
    )  # fmt: skip


def of(compared: Any, kind: str) -> Any:
    return next(one for one in compared["result"]["variants"] if one["kind"] == kind)


def test_every_variant_has_lines_differences_and_costs(compared: Any) -> None:
    found = compared["result"]
    assert [one["label"] for one in found["variants"]] == list(KINDS)
    assert found["metric"] == "cross_entropy" and found["rows"]["train"] == 18
    for one in found["variants"]:
        kind, trained = one["kind"], one["kind"] not in UNTRAINED
        assert [line["way"] for line in one["lines"]] == ["equal_steps", "at_best"]
        assert len(one["tried"]) == (2 if trained else 0)
        assert len(one["differences"]) == (0 if kind == "dense" else 2)
        for line in one["lines"]:
            assert len(line["values"]) == 2 and np.isfinite(line["values"]).all()
            assert line["mean"] == pytest.approx(np.mean(line["values"]))
        assert one["lines"][0]["kept"] == [7 if trained else 0] * 2
        assert one["trained"] == trained and bool(one["layers"]) == (kind not in DENSE)
        assert len(one["int8_search"]) == (2 if kind == "lutnn" else 0)
        assert one["curve"]["steps"][-1:] == ([7.0] if trained else [])


def test_differences_are_those_of_the_lines(compared: Any) -> None:
    usual = of(compared, "dense")["lines"]
    for kind in KINDS[1:]:
        one = of(compared, kind)
        for mine, theirs, said in zip(one["lines"], usual, one["differences"], strict=True):
            assert said["way"] == mine["way"]
            expected = np.mean(np.subtract(mine["values"], theirs["values"]))
            assert said["mean"] == pytest.approx(expected)


def test_costs_are_those_of_the_formulas(compared: Any) -> None:
    dense, int8, lookup = (of(compared, kind) for kind in ("dense", "int8", "lutnn"))
    ((_, reason),) = lookup["skipped"]
    assert reason == "it is the first convolution (keep_first)"
    convolution, linear = lookup["layers"]  # 3 x 3 taps of two channels, then the classes
    assert (convolution["length"], convolution["codebooks"]) == (9, 2)
    assert linear["codebooks"] == -(-linear["features"] // 5) and linear["outputs"] == 2
    for row in lookup["layers"]:
        tables = 16 * row["codebooks"] * row["outputs"]
        centroids = 4 * 16 * row["codebooks"] * row["length"]
        assert row["lookup_bytes"] == tables + centroids + 4
        assert row["dense_bytes"] == 4 * row["features"] * row["outputs"]
    for what in ("macs", "bytes"):
        less = sum(row[f"dense_{what}"] - row[f"lookup_{what}"] for row in lookup["layers"])
        assert lookup[what] == dense[what] - less and dense[what] == dense[f"dense_{what}"]
        assert of(compared, "dense_longer")[what] == dense[what]
    saved = 3 * linear["features"] * linear["outputs"] - 4
    assert int8["macs"] == dense["macs"] and int8["bytes"] == dense["bytes"] - saved


def test_declared_outputs_are_those_of_lut_nn(compared: Any) -> None:
    found, one = compared["result"], of(compared, "lutnn")
    assert found["test_metric"] == one["lines"][0]["mean"]
    assert found["difference"] == one["differences"][0]["mean"]
    assert found["size_ratio"] == one["dense_bytes"] / one["bytes"]


def test_what_was_made_of_one_network_agrees_where_nothing_differs(compared: Any) -> None:
    dense, longer, lookup = (of(compared, kind) for kind in ("dense", "dense_longer", "lutnn"))
    assert longer["curve"]["mean"][0] == pytest.approx(dense["lines"][0]["mean"], rel=1e-12)
    pq = of(compared, "pq")
    assert pq["layers"] == lookup["layers"] and pq["bytes"] == lookup["bytes"]
    if lookup["lines"][0]["rate"] == lookup["lines"][1]["rate"]:
        assert lookup["curve"]["mean"][0] == pytest.approx(pq["lines"][0]["mean"], rel=1e-4)
    assert dense["lines"][0]["values"] == dense["lines"][1]["values"]
    assert all(len({line["rate"] for line in of(compared, kind)["lines"]}) == 1
               for kind in UNTRAINED)  # fmt: skip


def test_networks_that_were_fine_tuned_and_the_dense_one_are_products(compared: Any) -> None:
    assert {one["name"] for one in compared["products"]} == {
        "network-dense", "network-dense_longer", "network-lutnn",
    }  # fmt: skip


def test_times_are_measured_and_are_no_part_of_the_result(here: InProcess, compared: Any) -> None:
    assert "lutnn.time" not in json.dumps(compared["result"])
    assert "microseconds" not in json.dumps(compared["result"]).lower()
    page = here("report", compared["run"])
    assert page.returncode == 0, page.stderr
    (written,) = here.runs.rglob("*.html")
    text = written.read_text()
    assert "Time on this machine" in text and "The whole network by table lookup was" in text


def test_equal_seeds_give_an_equal_result_and_others_do_not(here: InProcess) -> None:
    first, second = shown(here), shown(here)
    assert first["result"] == second["result"]
    done = here(*RUN, "--seed", "9", *options({**TINY, "dataset": PICTURES}))
    assert done.returncode == 0, done.stderr
    assert here.json("show", "last")["result"] != first["result"]


def test_a_network_that_a_run_left_is_a_network_of_the_next(here: InProcess) -> None:
    name = f"run:{shown(here)['run']}/network-dense"
    again = shown(here, model=name)
    assert of(again, "lutnn")["layers"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"model": {"name": "cnn", "channels": [2]}},
            "model = 'cnn': expected a network with layers that may become tables",
        ),
        ({"keep": ["nine"]}, "keep = ['nine']: expected layers of the model"),
        ({"metric": "log_los"}, "metric = 'log_los'"),
        ({"device": "cuda"}, "device = 'cuda': expected 'cpu' or 'auto' here"),
        ({"variants": ["lutn"]}, "did you mean 'lutnn'"),
        ({"dataset": FEW, "model": {"name": "mlp", "hidden": [4, 4]}}, "clusters = 16"),
        (
            {"clusters": 64, "calibration_rows": 64, "model": {"name": "mlp", "hidden": [4, 4]}},
            "clusters = 64",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_any_work(
    here: InProcess, values: dict[str, Any], message: str
) -> None:
    done = run(here, **values)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message in " ".join(done.stderr.split())


GONE = {
    "dataset": "diabetes", "model": {"name": "mlp", "hidden": [8, 6]}, "rate_factors": [1e6],
    "steps": 40, "tuning_steps": 40, "weight_decay": 1e3,
}  # fmt: skip


def test_where_every_training_runs_away_it_is_told_and_nothing_is_stored(here: InProcess) -> None:
    found = shown(here, **GONE, learning_rate=1e3, variants=list(KINDS))
    for one in found["result"]["variants"]:
        assert one["lines"][0]["exploded"] == 2
    assert "test_metric" not in found["result"] and found["products"] == []


def test_where_fine_tunings_run_away_the_dense_network_is_told_still(here: InProcess) -> None:
    found = shown(here, **GONE, learning_rate=1e-9, tuning_rate=1e3, temperature_rate=1e3)
    assert of(found, "dense")["lines"][0]["exploded"] == 0
    assert of(found, "lutnn")["lines"][0]["exploded"] == 2
    assert "network-lutnn" not in {one["name"] for one in found["products"]}


def number(value: Any) -> float:
    """Return a number as results hold it, those that JSON lacks too."""
    return float(value["$float"] if isinstance(value, dict) else value)


def magnitudes(low: int, high: int) -> Any:
    return st.floats(low, high).map(lambda power: float(f"{10.0**power:.3g}"))


@st.composite
def configurations(draw: Any) -> dict[str, Any]:
    one_of = st.sampled_from
    return {
        "model": draw(one_of([
            {"name": "cnn", "channels": [1, 2]},
            {"name": "cnn", "channels": [2, 2], "dropout": 0.5, "batch_norm": True},
        ])),
        "variants": draw(st.lists(one_of(list(VARIANTS)), min_size=1, max_size=3, unique=True)),
        "metric": draw(one_of(["auto", "balanced_error", "log_loss", "auc"])),
        "linear": draw(one_of([1, 5, 100])),
        "convolution": draw(one_of([1, 4, 9])),
        "clusters": draw(one_of([2, 16, 17])),
        "calibration_rows": draw(one_of([17, 1000])),
        "keep_first": draw(st.booleans()),
        "convert": draw(one_of(["all", "cost_model"])),
        "temperature": draw(one_of([1e-6, 0.065, 0.999])),
        "temperature_rate": draw(one_of([0.0, 0.1, 10.0])),
        "learning_rate": draw(magnitudes(-9, -1)),
        "tuning_rate": draw(magnitudes(-9, -1)),
        "weight_decay": draw(st.just(0.0) | magnitudes(-9, 0)),
        "schedule": draw(one_of(["cosine", "constant"])),
        "batch_size": draw(one_of([2, 1000])),
        "steps": draw(st.integers(1, 3)),
        "tuning_steps": draw(st.integers(1, 3)),
        "rate_factors": draw(one_of([[1.0], [0.3, 1.0]])),
        "rate_growths": draw(st.integers(0, 1)),
        "seeds": draw(st.integers(1, 2)),
    }  # fmt: skip


@given(configurations())
@settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_any_configuration_ends_with_numbers(here: InProcess, drawn: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        done = run(here, **drawn)
    assert done.returncode == 0 and "could not describe" not in done.stderr, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = here.json("show", "last")["result"]
    for one in found["variants"]:
        for line in one["lines"]:
            values = [number(v) for v in line["values"]]
            assert not any(map(math.isnan, values))
            assert sum(not math.isfinite(v) for v in values) <= line["exploded"]
        assert one["bytes"] > 0 and one["macs"] > 0
    assert found["sentence"]
