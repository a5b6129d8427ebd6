"""A network that one method leaves is a model that another trains by name, by public commands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from in_process import InProcess

LUTNN = ("run", "lutnn", "--preset", "smoke", "--workers", "serial", "--no-report",
         "-o", "rate_factors=[1.0]", "-o", "seeds=1",
         "-o", 'variants=["dense", "dense_longer", "lutnn", "fixed_weight"]')  # fmt: skip
EVOMAL = (
    "run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report",
    "-o", "datasets=digits", "-o", "baseline=fixed", "-o", 'initial=["square(sub(y, f))"]',
    "-o", "test_seeds=2", "-o", "test_steps=4",
)  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    return InProcess(tmp_path_factory.mktemp("products"))


@pytest.fixture(scope="module")
def compared(here: InProcess) -> Any:
    """The smoke preset, ended: its networks are products."""
    done = here(*LUTNN)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")


def test_a_run_leaves_a_network_of_each_variant_with_steps(compared: Any) -> None:
    found = {one["name"] for one in compared["products"]}
    assert found == {
        "network-dense", "network-dense_longer", "network-lutnn", "network-fixed_weight",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["network-lutnn", "network-fixed_weight", "network-dense"])
def test_evomal_trains_a_network_that_a_run_left(here: InProcess, compared: Any, name: str) -> None:
    done = here(*EVOMAL, "-o", f'model="run:{compared["run"]}/{name}"')
    assert done.returncode == 0, done.stderr
    found = here.json("show", "last")
    assert found["state"] == "finished" and np.isfinite(found["result"]["test_metric"])


def test_a_network_for_other_samples_is_refused_before_any_work(
    here: InProcess, compared: Any
) -> None:
    name = f"run:{compared['run']}/network-lutnn"
    done = here(*EVOMAL, "-o", "datasets=diabetes", "-o", f'model="{name}"')
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "a network by table lookup is of its own data set" in " ".join(done.stderr.split())


def test_the_next_comparison_takes_it_to_be_dense_no_longer(here: InProcess, compared: Any) -> None:
    name = f"run:{compared['run']}/network-lutnn"
    done = here(*LUTNN, "-o", f'model="{name}"')
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "expected a network with layers that may become tables" in " ".join(done.stderr.split())
