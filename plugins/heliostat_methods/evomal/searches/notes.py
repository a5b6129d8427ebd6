"""What a user should know of the settings of a search; nothing of it stops a run."""

from __future__ import annotations

from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.tables import table_named

EVOLVED = ("none", "gp_lfl", "random", "local_search")
"""Baselines whose candidates are trees that pass through the filters."""
SAVINGS = ("reject", "cache", "skip_label_free", "equivalence", "racing")
"""Filters and short cuts of the genetic program's scoring."""


def notes_on(config: EvoMALConfig, data: ProblemData) -> list[str]:
    """Return the notes on a search for one data set."""
    notes = _unused(config)
    rows = len(data.train[1])
    rejects = config.baseline in EVOLVED and config.reject != "off"
    if rejects and config.filter_samples > rows:
        notes.append(
            f"filter_samples = {config.filter_samples}, but {data.name} has {rows} training rows: "
            "the rejection protocol used all of them"
        )
    notes += _initial_notes(config)
    return notes


def _initial_notes(config: EvoMALConfig) -> list[str]:
    """Return a note on losses of `initial` that do not start as they were given."""
    if config.baseline not in EVOLVED:
        return []
    losses = [parse(text, table_named(config.table_name)) for text in config.initial]
    weighted = [one.formula() for one in losses if any(w != 1.0 for w in one.weights)]
    tunes = config.local_search and config.baseline in ("none", "random")
    if weighted and not tunes:
        return [f"initial: weights are left out, since this search keeps them 1: {weighted[0]}"]
    if weighted and len({one.key for one in losses}) < len(losses):
        return ["initial: of losses with one structure only the first is scored"]
    return []


def _unused(config: EvoMALConfig) -> list[str]:
    """Return a note on opt-in settings that the chosen baseline has no use for, if there are any.

    They stay allowed, so that one configuration serves all baselines.
    """
    ignored: tuple[str, ...] = ()
    if config.baseline == "random":
        ignored = ("elite", "islands")
    elif config.baseline == "local_search":
        ignored = ("local_search",)
    elif config.baseline == "fixed":
        ignored = (*SAVINGS, "elite", "islands", "local_search")
    elif config.baseline not in EVOLVED:
        ignored = (*SAVINGS, "elite", "islands", "local_search", "initial")
    usual = EvoMALConfig.model_construct()
    changed = [name for name in ignored if getattr(config, name) != getattr(usual, name)]
    if not config.initial and config.baseline == "fixed":
        changed += [name for name in ("transfer", "landscape_seeds") if getattr(config, name)]
    if not changed:
        return []
    return [f"baseline = {config.baseline!r} has no use for {', '.join(changed)}"]
