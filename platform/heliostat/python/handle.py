"""A run in Python: what it is, what it came to, what it left; finished, running or interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from heliostat.errors import Key, PluginError, StoreError, did_you_mean
from heliostat.plugins.registry import registry
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat.terminal import printable, say
from heliostat.values.canonical import decode
from heliostat.values.outcome import Failure


class RunOutcome(NamedTuple):
    """One journaled outcome: what was asked, and its value or why it has none.

    `key` is where it was asked, (3, 1) for the second item of call 3; `task` the permanent name.
    """

    key: Key
    task: str
    item: Any
    value: Any
    failure: Failure | None
    seconds: float
    worker: str
    attempts: int
    observed: bool
    """Whether it is a measurement, which enters no digest."""


class RunProduct(NamedTuple):
    """What a run left for others: `name` tells it apart from all others of the run."""

    name: str
    kind: str
    bytes: int


class RunEvent(NamedTuple):
    """What happened to a run, at a time in seconds since 1970."""

    time: float
    kind: str
    text: str


@dataclass(frozen=True, repr=False)
class RunHandle:
    """A run by its folder. Nothing is kept open: every look reads the run as it is now."""

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder).absolute())

    @property
    def id(self) -> str:
        """The run's name, that of its folder."""
        return self.folder.name

    @property
    def state(self) -> str:
        """running, finished, failed, interrupted, paused, or stopped (its driver is gone)."""
        with self._view() as view:
            return view.state

    @property
    def method(self) -> str:
        """The method's name."""
        with self._view() as view:
            return view.method

    @property
    def seed(self) -> int:
        """The root of all random streams."""
        with self._view() as view:
            return view.seed

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration."""
        with self._view() as view:
            return view.config

    @property
    def result(self) -> Any:
        """What the search returned, None before it did."""
        with self._view(decodes=True) as view:
            return view.result

    @property
    def digest(self) -> str | None:
        """The digest of a finished run, None before."""
        with self._view() as view:
            return view.digest

    @property
    def labels(self) -> list[str]:
        """What the result depends on besides the configuration, if anything."""
        with self._view() as view:
            return view.labels

    @property
    def error(self) -> str:
        """What ended a run that did not finish."""
        with self._view() as view:
            return view.error

    @property
    def numerics(self) -> str:
        """The level of instructions that it runs at."""
        with self._view() as view:
            return view.about.numerics

    @property
    def name(self) -> str:
        """What a person called it."""
        with self._view() as view:
            return view.marks.name

    @property
    def note(self) -> str:
        """What a person wrote about it."""
        with self._view() as view:
            return view.marks.note

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that a person gave it."""
        with self._view() as view:
            return view.marks.tags

    @property
    def log(self) -> Path:
        """The log of what happened, a JSON object a line."""
        return RunFolder(self.folder).log

    def outcomes(self, *, delivered: bool = True) -> Iterator[RunOutcome]:
        """Yield outcomes in key order, decoded: those the search saw, or all."""
        with self._view(decodes=True) as view:
            for row in view.outcomes(delivered=delivered):
                yield RunOutcome(
                    row.key,
                    row.function,
                    decode(view.text(row.item)),
                    None if row.value is None else decode(view.text(row.value)),
                    row.failure,
                    row.seconds,
                    row.worker,
                    row.attempts,
                    row.observed,
                )

    def metrics(self) -> dict[str, list[tuple[int, float]]]:
        """Return {name: [(step, value)]} of all that the search reported."""
        with self._view() as view:
            return view.metrics()

    def products(self) -> list[RunProduct]:
        """Return what the run left so far."""
        with self._view() as view:
            return [RunProduct(p["unique_name"], p["kind"], p["bytes"]) for p in view.products()]

    def product(self, name: str) -> Any:
        """Return the value of a product; raises StoreError naming the nearest one."""
        with self._view(decodes=True) as view:
            found = view.products()
            names = [product["unique_name"] for product in found]
            if name not in {*names, *(product["name"] for product in found)}:
                hint = did_you_mean(name, names)
                raise StoreError(f"run {self.id} has no product {name!r}; {hint}")
            return view.product(name)

    def report(self) -> Path:
        """Write the HTML report and return its path; what had to be left out is said."""
        from heliostat.report.build import write_report

        with self._view(decodes=True, whole=True) as view:
            method = registry().method(view.method)

            def left_out(what: str) -> None:
                say(f"warning: the report: {what}", err=True)

            return Path(write_report(view, method, registry(), left_out))

    def events(self) -> list[RunEvent]:
        """Return what happened to the run, such as lost workers and warnings."""
        with self._view() as view:
            return [RunEvent(*event) for event in view.events()]

    def row(self) -> dict[str, Any]:
        """Return what `heliostat ls --json` says of it."""
        with self._view() as view:
            return view.row()

    def __repr__(self) -> str:
        """Return name, state and best result on one line; a run that cannot be read says so."""
        from heliostat.python.shown import line_of

        try:
            return printable(f"RunHandle({line_of(self.row())})")
        except StoreError as error:
            return f"RunHandle({self.id}: {error})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: headline, best result and one picture."""
        from heliostat.python.shown import html_of

        try:
            with self._view(decodes=True) as view:
                return html_of(view)
        except StoreError as error:
            from heliostat.report.typeset import escape

            return f"<p>{escape(f'run {self.id}: {error}')}</p>"

    @contextmanager
    def _view(self, *, decodes: bool = False, whole: bool = False) -> Iterator[RunView]:
        """Open the run while the body reads it; with `decodes` its method's types are known."""
        view = RunView(RunFolder(self.folder), whole=whole)
        try:
            if decodes:
                with suppress(PluginError):  # plain values are read without it
                    registry().load_names(view.method)
            yield view
        finally:
            view.close()
