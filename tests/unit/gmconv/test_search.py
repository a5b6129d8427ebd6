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

from heliostat_methods.gmconv.names import VARIANTS

Image = pytest.importorskip("PIL.Image")
PICTURES = {"name": "image_folder:pictures", "size": 6, "channels": 1}
FEW = {**PICTURES, "name": "image_folder:few"}
RUN = ("run", "gmconv", "--workers", "serial", "--no-report")
TINY: dict[str, Any] = {
    "model": {"name": "cnn", "channels": [2]},
    "variants": ["conv", "static"],
    "steps": 3,
    "rate_factors": [1.0],
    "rate_growths": 0,
    "rate_seeds": 1,
    "seeds": 2,
    "batch_size": 8,
    "receptive_inputs": 2,
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
    found = InProcess(tmp_path_factory.mktemp("gmconv"))
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


def result(here: InProcess, **values: Any) -> Any:
    done = run(here, **values)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")["result"]


def test_all_variants_are_compared_and_their_networks_stored(here: InProcess) -> None:
    found = result(
        here, variants=list(VARIANTS), further_rate_factors=[30.0], fixed_sigmas=[1.0, 2.0],
        rate_factors=[0.3, 1.0],
    )  # fmt: skip
    by_label = {one["label"]: one for one in found["variants"]}
    assert list(by_label) == [
        "conv", "static", "static, sigma x30", "per_channel", "fixed 1", "fixed 2", "circle",
        "dynamic", "mixed",
    ]  # fmt: skip
    # a disc holds all of 3 x 3 taps, so that the network is the ordinary one
    conv, circle = by_label["conv"], by_label["circle"]
    assert circle["converted"] == [] and circle["curve"] == conv["curve"]
    for label, one in by_label.items():
        assert len(one["tried"]) == 2 and len(one["lines"]) == 2
        assert bool(one["widths"]) == (label not in ("conv", "circle"))
        assert len(one["fields"]) == 1
    products = [one["name"] for one in here.json("show", "last")["products"]]
    assert {"network", "network-static", "network-static-sigma-x30"} <= set(products)
    assert len(products) == 9


def test_where_every_training_runs_away_it_is_told_and_nothing_is_stored(here: InProcess) -> None:
    found = result(here, learning_rate=1e3, weight_decay=1e3, momentum=0.0, steps=60)
    for one in found["variants"]:
        assert one["lines"][0]["exploded"] == 2 and one["lines"][0]["mean"] is None
    assert "test_metric" not in found
    assert here.json("show", "last")["products"] == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "mlp"}, "model = 'mlp': expected a network with convolutions of several taps"),
        ({"model": {"name": "cnn", "channels": [2] * 5}}, "model = 'cnn'"),
        ({"metric": "log_los"}, "metric = 'log_los'"),
        ({"device": "cuda"}, "device = 'cuda': expected 'cpu' or 'auto' here"),
        ({"variants": ["statik"]}, "did you mean 'static'"),
        (
            {"sigma_init": 0.2, "preserve": True},
            "variants = 'static': expected a kind that this network can have; preserve needs",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(
    here: InProcess, values: dict[str, Any], message: str
) -> None:
    done = run(here, **values)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message in " ".join(done.stderr.split())


def test_a_network_that_a_run_left_is_a_network_of_the_next(here: InProcess) -> None:
    first = result(here)
    name = f"run:{here.json('show', 'last')['run']}/network-static"
    again = result(here, model={"name": name, "trained": False})
    assert [one["label"] for one in again["variants"]] == ["conv", "static"]
    assert first["rows"] == again["rows"]


def number(value: Any) -> float:
    """Return a number as results hold it, those that JSON lacks too."""
    return float(value["$float"] if isinstance(value, dict) else value)


def magnitudes(low: int, high: int) -> Any:
    return st.floats(low, high).map(lambda power: float(f"{10.0**power:.3g}"))


@st.composite
def configurations(draw: Any) -> dict[str, Any]:
    one_of = st.sampled_from
    variants = draw(st.lists(one_of(list(VARIANTS)), min_size=1, max_size=3, unique=True))
    return {
        "dataset": draw(one_of([PICTURES, FEW])),
        "model": draw(one_of([
            {"name": "cnn", "channels": [1]}, {"name": "cnn", "channels": [2], "dropout": 0.5},
            {"name": "cnn", "channels": [2], "batch_norm": False},
        ])),
        "variants": variants,
        "further_rate_factors": draw(one_of([[], [1e6]])) if "static" in variants else [],
        "fractions": draw(one_of([[0.6, 0.2, 0.2], [0.02, 0.02, 0.96], [0.9, 0.05, 0.05]])),
        "metric": draw(one_of(["auto", "balanced_error", "log_loss", "auc"])),
        "sigma_init": draw(magnitudes(-3, 4) | magnitudes(0, 1)),
        "fixed_sigmas": [draw(magnitudes(-3, 6) | magnitudes(0, 1))],
        "sigma_param": draw(one_of(["raw", "softplus"])),
        "sigma_rate_factor": draw(magnitudes(-9, 6)),
        "reduction": draw(one_of([1, 4, 1024])),
        "preserve": draw(st.booleans()),
        "learning_rate": draw(magnitudes(-9, 3)),
        "momentum": draw(one_of([0.0, 0.9, 0.999])),
        "weight_decay": draw(st.just(0.0) | magnitudes(-9, 3)),
        "schedule": draw(one_of(["cosine", "constant"])),
        "batch_size": draw(one_of([1, 2, 1000])),
        "steps": draw(st.integers(1, 4)),
        "rate_factors": draw(one_of([[1.0], [1e-9, 1e6], [0.3, 1.0]])),
        "rate_growths": draw(st.integers(0, 1)),
        "seeds": draw(st.integers(1, 2)),
        "receptive_inputs": draw(one_of([0, 1, 10_000])),
    }  # fmt: skip


OWN_WORDS = ("fractions = ", "too few", "expected a kind that this network can have")


@given(configurations())
@settings(
    max_examples=20, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_any_configuration_ends_with_numbers_or_in_words(
    here: InProcess, drawn: dict[str, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        done = run(here, **drawn)
    assert "Traceback" not in done.stderr and "unexpected error" not in done.stderr, done.stderr
    assert "could not describe" not in done.stderr, done.stderr
    if done.returncode:
        assert any(words in " ".join(done.stderr.split()) for words in OWN_WORDS), done.stderr
        return
    found = here.json("show", "last")["result"]
    for one in found["variants"]:
        for line in one["lines"]:
            values = [number(v) for v in line["values"]]
            assert not any(map(math.isnan, values))
            unseen = sum(not math.isfinite(v) for v in values)
            assert unseen <= line["exploded"]
            if len(values) - unseen >= 2:
                assert line["low"] <= line["mean"] <= line["high"]
        for field in one["fields"]:
            assert field["radius"] >= 0 and 0 <= field["area"] <= 1
            assert field["predicted"] is None or field["predicted"] >= 0
    assert found["sentence"]
