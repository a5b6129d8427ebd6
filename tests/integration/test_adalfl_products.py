"""A loss that one method leaves is a loss that another takes by name, through public commands."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from in_process import InProcess

from heliostat_methods.adalfl.method import build_loss
from heliostat_search.loss_networks.network import MetaLossNetwork

ADALFL = (
    "run", "adalfl", "--preset", "smoke", "--workers", "serial", "--no-report",
    "-o", "rate_factors=[1.0]", "-o", "steps=10", "-o", "regression_steps=20",
    "-o", "offline={steps=1, inner=1}", "-o", "seeds=2",
)  # fmt: skip
EVOMAL = (
    "run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report",
    "-o", "datasets=diabetes", "-o", "baseline=fixed", "-o", 'initial=["square(sub(y, f))"]',
    "-o", "test_seeds=2", "-o", "test_steps=4",
)  # fmt: skip


def ended(here: InProcess, *arguments: str) -> Any:
    done = here(*arguments)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    return InProcess(tmp_path_factory.mktemp("products"))


@pytest.fixture(scope="module")
def adapted(here: InProcess) -> Any:
    """The smoke preset, ended: its losses are products."""
    return ended(here, *ADALFL)


def test_a_run_leaves_each_loss_network_as_a_product_that_becomes_a_module(
    here: InProcess, adapted: Any
) -> None:
    assert [one["name"] for one in adapted["products"]] == ["loss", "loss-ml3"]
    for name, output in (("loss", "smooth_leaky_relu"), ("loss-ml3", "softplus")):
        kept = here("export", adapted["run"], "--product", name).stdout
        loss = build_loss(json.loads(kept))
        assert isinstance(loss, MetaLossNetwork) and loss.tasks == ("regression",)
        outputs = torch.linspace(-1, 1, 5)[:, None].requires_grad_()
        loss(outputs, torch.zeros(5)).backward()
        assert outputs.grad is not None and bool(outputs.grad.isfinite().all())
        assert loss.shape.output_activation == output


def test_evomal_compares_it_and_adalfl_takes_back_what_evomal_leaves(
    here: InProcess, adapted: Any
) -> None:
    name = f"run:{adapted['run']}"
    found = ended(
        here, *EVOMAL, "-o", f'loss="{name}/loss"', "-o", f'references=["{name}/loss-ml3"]'
    )
    assert found["state"] == "finished"
    assert f"{name}/loss-ml3" in str(found["result"])
    product = f"run:{found['run']}"
    again = ended(
        here,
        *ADALFL,
        "-o",
        'methods=["task_loss"]',
        "-o",
        f'references=["{name}/loss", "{product}"]',
    )
    labels = [one["label"].split("@")[0] for one in again["result"]["contestants"]]
    assert labels == ["task_loss", f"{name}/loss", product]
    for one in again["result"]["contestants"]:
        assert np.isfinite(one["lines"][0]["values"]).all()


def test_a_loss_of_the_other_task_is_refused_before_any_work(here: InProcess, adapted: Any) -> None:
    name = f"run:{adapted['run']}"
    done = here(*ADALFL, "-o", "dataset=digits", "-o", f'references=["{name}/loss"]')
    assert done.returncode == 2
    flat = " ".join(done.stderr.split())
    assert "expected a loss for classification" in flat and "it is for regression" in flat
