"""The losses that the trials of a tuning found are told apart, and used in another run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

QUICK = ("--preset", "smoke", "--workers", "serial", "--no-report", "-o", "generations=1",
         "-o", "meta_steps=3", "-o", "test_steps=10", "-o", "population=3", "-o", "tournament=2",
         "-o", 'initial=["square(sub(y, f))"]')  # fmt: skip


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(command line, run) of two trials, each of which found a loss."""
    here = InProcess(tmp_path_factory.mktemp("tuned"))
    Path(here.folder / "space.toml").write_text("meta_learning_rate = {low = 1e-3, high = 0.1}\n")
    return here, here.json("tune", "evomal", "--space", "space.toml", "--trials", "2", *QUICK)


def test_the_losses_of_all_trials_are_listed(tuned: Any) -> None:
    here, account = tuned
    rows = here.json("losses", "list")
    assert sorted(row["name"] for row in rows) == ["loss-diabetes@0.0.0", "loss-diabetes@1.0.0"]
    best = account["result"]["trials"][1]["values"][0]
    second = here.json("losses", "show", f"{account['run']}/diabetes@1.0.0")[0]
    # the loss that is kept is the reduced one, scored again
    assert second["fitness"] == pytest.approx(best, rel=0.05)


def test_the_loss_of_a_trial_meets_a_search(tuned: Any) -> None:
    here, account = tuned
    name = f"run:{account['run']}/loss-diabetes@1.0.0"
    done = here.json("run", "evomal", *QUICK, "-o", f"loss={name}")
    (problem,) = done["result"]["problems"]
    assert problem["standard"]["name"] == name
    product = here("export", account["run"], "--product", "loss-diabetes@1.0.0").stdout
    assert problem["standard"]["loss"] == json.loads(product)["loss"]
