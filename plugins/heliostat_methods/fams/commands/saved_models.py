"""What a run has left to predict with: ``scores = found_model("RUN").scores(inputs)``."""

from __future__ import annotations

from pathlib import Path

from heliostat.contract import RunView, find, runs_root
from heliostat.errors import ConfigError, listed
from heliostat_methods.fams.comparison.trained import KIND
from heliostat_methods.fams.training.prior import Model


def found_model(run: str, runs: Path | str | None = None) -> Model:
    """Return the bilevel method's model of a run, trained with its first seed.

    `run`: its id or a beginning of it; `runs`: the folder of runs, without one that of the
    command line. The model takes inputs as the data set has them, (rows, features), and no group;
    its scores are the probability of label 1, which the data set calls `classes[1]` of the model.
    Raises ConfigError for a run that left none.
    """
    view = RunView(find(run, runs_root(None if runs is None else Path(runs))))
    for product in view.products():
        if product["kind"] == KIND:
            value = view.product(str(product["unique_name"]))
            if isinstance(value, Model):
                return value
    kinds = sorted({str(product["kind"]) for product in view.products()})
    at = view.so_far()
    nothing = f"it is {view.state}, and has left nothing yet" + (at and f" ({at})")
    left = f"it left {listed(kinds)}" if kinds else nothing
    raise ConfigError("run", run, "a run of fams that has trained the method", left)
