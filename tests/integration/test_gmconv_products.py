"""A network that one method leaves is a model that another trains by name, by public commands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from in_process import InProcess

GMCONV = ("run", "gmconv", "--preset", "smoke", "--workers", "serial", "--no-report",
          "-o", "rate_factors=[1.0]", "-o", "receptive_inputs=0")  # fmt: skip
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
    done = here(*GMCONV)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")


def test_a_run_leaves_a_network_of_each_variant(compared: Any) -> None:
    found = {one["name"] for one in compared["products"]}
    assert found == {"network", "network-static", "network-dynamic"}


@pytest.mark.parametrize(
    "model",
    ['"run:{run}/network-static"', '{{name="run:{run}/network-dynamic", trained=false}}'],
)
def test_evomal_trains_a_network_that_a_run_left(
    here: InProcess, compared: Any, model: str
) -> None:
    done = here(*EVOMAL, "-o", f"model={model.format(run=compared['run'])}")
    assert done.returncode == 0, done.stderr
    found = here.json("show", "last")
    assert found["state"] == "finished" and np.isfinite(found["result"]["test_metric"])


def test_a_network_for_other_samples_is_refused_before_any_work(
    here: InProcess, compared: Any
) -> None:
    name = f"run:{compared['run']}/network-static"
    done = here(*EVOMAL, "-o", "datasets=diabetes", "-o", f'model="{name}"')
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "trained = false draws the same layers anew" in " ".join(done.stderr.split())
