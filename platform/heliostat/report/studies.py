"""A run's trials as Optuna studies, for its analyses and its plots.

A search of parameters leaves its trials as a product of kind "trials": JSON that Optuna's own
functions read, with values as decimal texts. Nothing here takes part in a run.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from heliostat.errors import key_text
from heliostat.store.view import RunView

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

TRIALS_KIND = "trials"
FEWEST_FOR_IMPORTANCE = 20
"""Completed trials below which an importance would be noise."""


def studies(view: RunView, storage: BaseStorage | None = None) -> list[Study]:
    """Return a study for each search of parameters in a run; in memory without a storage.

    A study is called after the run, and after the product where there are several.
    """
    products = [p for p in view.products() if p["kind"] == TRIALS_KIND]
    found = []
    for product in products:
        content = json.loads(view.folder.artifacts.get(product["sha256"]))
        name = view.id
        if len(products) > 1:
            scope = f" {key_text(product['scope'])}" if product["scope"] else ""
            name = f"{view.id} {product['name']}{scope}"
        found.append(_study(name, content, storage, view))
    return found


def importances(study: Study, place: int) -> dict[str, float]:
    """Return each parameter's share in what makes an objective good (PED-ANOVA), 0 to 1.

    Empty when too few trials were completed to say, or their values are all equal.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    sign = 1.0 if study.directions[place] == StudyDirection.MINIMIZE else -1.0
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = [t.values[place] for t in done]
    if len(values) < FEWEST_FOR_IMPORTANCE or min(values) == max(values):
        return {}
    if not all(map(math.isfinite, values)):
        return {}
    with quiet():
        found = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(),
            target=lambda t: sign * float(t.values[place]),
        )
    return {name: float(share) for name, share in found.items()}


def _study(name: str, content: Any, storage: BaseStorage | None, view: RunView) -> Study:
    from optuna import create_study
    from optuna.distributions import json_to_distribution
    from optuna.study import StudyDirection

    directions = [
        StudyDirection.MINIMIZE if d == "min" else StudyDirection.MAXIMIZE
        for _, d in content["objectives"]
    ]
    with quiet():
        space = {key: json_to_distribution(text) for key, text in content["space"].items()}
        study = create_study(study_name=name, storage=storage, directions=directions)
        study.set_metric_names([objective for objective, _ in content["objectives"]])
        about = {"run": view.id, "method": view.method, "seed": view.seed,
                 "sampler": content["sampler"], "digest": view.digest}  # fmt: skip
        if content.get("stopped"):
            about["stopped"] = content["stopped"]
        for key, value in about.items():
            study.set_user_attr(key, value)
        for trial in content["trials"]:
            study.add_trial(_trial(trial, space))
    return study


def _trial(told: Any, space: dict[str, BaseDistribution]) -> FrozenTrial:
    """Return a trial as Optuna has it: complete, failed, or pruned with its last report as value.

    Runs of older versions hold no reports.
    """
    from optuna.trial import TrialState, create_trial

    values = told["values"] and [float(text) for text in told["values"]]
    reports = {int(step): float(text) for step, text in told.get("reports", [])}
    attributes = {"failure": told["failure"]} if told["failure"] else {}
    state = TrialState.COMPLETE if values else TrialState.FAIL
    if values and any(math.isnan(value) for value in values):
        state, attributes = TrialState.FAIL, {"failure": f"values {', '.join(told['values'])}"}
    if told.get("pruned") is not None:
        last = reports.get(told["pruned"], math.nan)
        state, values = TrialState.PRUNED, None if math.isnan(last) else [last]
    return create_trial(
        state=state,
        values=None if state == TrialState.FAIL else values,
        params=told["params"],
        distributions={name: space[name] for name in told["params"]},
        user_attrs=attributes,
        intermediate_values=reports,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna's remarks off the terminal, and leave its settings as they were."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
