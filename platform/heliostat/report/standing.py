"""How far a run is: its searches, the best value of each goal so far, and the metrics by step."""

from __future__ import annotations

from heliostat.amounts import duration
from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Plot, Section, Series, Table, Text
from heliostat.errors import Key, key_text
from heliostat.report.typeset import number
from heliostat.store.pace import Pace
from heliostat.store.view import RunView

MOST_SEARCHES = 20
"""Searches in the table of progress: the main one, and the newest of the others."""
MOST_CURVES = 8
MOST_PLOTS = 24

_Row = list[str | int | float | None]


def standing(view: RunView) -> str:
    """Return in a sentence at which step a run is and how many tasks are done."""
    tasks = f"{tasks_text(view)} are done"
    found = _main(view.paces())
    if found is None:
        return f"No step was reported yet; {tasks}."
    scope, pace = found
    of = f" of {pace.of}" if pace.of else ""
    phase = f" ({pace.phase})" if pace.phase else ""
    search = f" of search {key_text(scope)}" if scope else ""
    return f"It is at step {pace.step}{of}{phase}{search}; {tasks}."


def tasks_text(view: RunView) -> str:
    """Return how many tasks the search has seen, and how many are stored where that differs."""
    seen, stored = view.count(), view.stored()
    counted = "1 task" if seen == 1 else f"{seen:,} tasks"
    return counted if seen == stored else f"{counted} ({stored:,} stored)"


def so_far(view: RunView, method: MethodSpec) -> Section:
    """Return how far each search is, and the best value of each goal that was reported."""
    content: list[Text | Table] = []
    best = view.best()
    if best:
        goals = view.about.goals
        rows: list[_Row] = [
            [name, value, "small" if goals.get(name) == "min" else "large", _unit(method, name)]
            for name, value in best.items()
        ]
        content.append(Table(["goal", "best so far", "better is", "unit"], rows))
    paces = view.paces()
    if paces:
        content.append(_progress(paces, method.unit))
    if not content:
        content.append(Text(standing(view)))
    return Section("So far", content)


def convergence(view: RunView) -> list[Section]:
    """Return a plot of each metric by step, a curve for each search; nothing without metrics."""
    shown = view.scopes()
    shown = [*shown[:1], *shown[1:][-(MOST_CURVES - 1) :]]
    curves: dict[str, list[Series]] = {}
    for scope in shown:
        for name, points in view.metrics(scope).items():
            label = name if len(shown) == 1 else _search(scope)
            series = Series(label, [step for step, _ in points], [value for _, value in points])
            curves.setdefault(name, []).append(series)
    left_out = len(view.scopes()) - len(shown)
    note = f"The first search and the newest; {left_out} are left out." if left_out else ""
    plots = [
        Plot(name, "step", name, series, note=note)
        for name, series in list(curves.items())[:MOST_PLOTS]
    ]
    return [Section("Progress", plots)] if plots else []


def _main(paces: dict[Key, Pace]) -> tuple[Key, Pace] | None:
    """Return the main search, or the one that said most where that says nothing."""
    if () in paces and (paces[()].reports or len(paces) == 1):
        return (), paces[()]
    return max(paces.items(), key=lambda item: item[1].reports, default=None)


def _progress(paces: dict[Key, Pace], unit: str) -> Table:
    others = sorted(scope for scope in paces if scope)
    shown = [scope for scope in ((),) if scope in paces] + others[-MOST_SEARCHES:]
    rows: list[_Row] = []
    for scope in shown:
        pace = paces[scope]
        rate, left = pace.rate(), pace.seconds_left()
        rows.append(
            [
                _search(scope),
                pace.phase or None,
                f"{pace.step} of {pace.of}" if pace.of else str(pace.step),
                None if rate is None else f"{number(rate)}/s",
                None if left is None else duration(left),
                ", ".join(f"{name} {number(value)}" for name, value in pace.metrics.items()),
            ]
        )
    hidden = len(others) - MOST_SEARCHES
    caption = f"Rates are {unit} a second."
    caption += f" The newest {MOST_SEARCHES} of {len(others)} sub-searches." if hidden > 0 else ""
    heads = ["search", "phase", "step", "rate", "time left", "newest values"]
    told = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    return Table([heads[at] for at in told], [[row[at] for at in told] for row in rows], caption)


def _search(scope: Key) -> str:
    return key_text(scope) if scope else "main"


def _unit(method: MethodSpec, name: str) -> str | None:
    output = method.outputs.get(name)
    return output.unit or None if output is not None else None
