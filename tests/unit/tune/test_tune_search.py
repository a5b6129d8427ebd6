"""A tuning's trials: whole searches of the method, the best of them as a file that runs again."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_runs import Done, drive

from heliostat.contract.config import validate
from heliostat.plugins.registry import registry
from heliostat_methods.tune.config import TuneConfig
from heliostat_methods.tune.search import search


@pytest.fixture(autouse=True)
def with_test_methods(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' methods are there by name."""
    monkeypatch.setenv("HELIOSTAT_LOAD", "heliostat_teaching.plugin,heliostat_test_methods")
    registry.cache_clear()
    yield
    registry.cache_clear()


def tuned(folder: Path, **fields: Any) -> Done:
    values = {"method": "ordered", "space": {"least": {"low": 1, "high": 3}}, "trials": 5,
              "sampler": "random", **fields}  # fmt: skip
    config = validate(TuneConfig, values)
    return drive(lambda run: search(config, run), folder)


def test_the_best_trial_is_the_least_result_of_the_method(tmp_path: Path) -> None:
    result = tuned(tmp_path).result
    # the method adds `least` to `most`, which is 3
    assert [t["values"] for t in result["trials"]] == [
        [t["params"]["least"] + 3] for t in result["trials"]
    ]
    assert result["best"]["values"] == [min(t["values"][0] for t in result["trials"])]
    assert result["base"] == result["trials"][0] and result["base"]["params"] == {"least": 1}


def test_the_configuration_as_it_is_may_be_left_out(tmp_path: Path) -> None:
    assert tuned(tmp_path, base_first=False).result["base"] is None


def test_the_best_configuration_is_kept_as_a_file(tmp_path: Path) -> None:
    result = tuned(tmp_path).result
    texts = [path.read_bytes() for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    (content,) = [tomllib.loads(text.decode()) for text in texts if b"method = " in text]
    assert content == {"method": "ordered", "config": {"most": 3, **result["best"]["params"]}}


def test_a_second_start_gives_the_same_trials(tmp_path: Path) -> None:
    first = tuned(tmp_path)
    again = tuned(tmp_path)
    assert (again.digest, again.result) == (first.digest, first.result)
    assert again.evaluated == 0
