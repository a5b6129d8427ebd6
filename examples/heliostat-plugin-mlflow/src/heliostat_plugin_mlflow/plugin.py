"""The three hooks of an observer; MLflow is imported when there is something to send."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from heliostat import hookimpl
from heliostat.contract import RunView

from heliostat_plugin_mlflow.recording import Names, Point, parameters, points, tags

URI_VARIABLE = "MLFLOW_TRACKING_URI"
SECONDS = 2.0
"""Least time between two messages while a run is going on."""

_BATCH = 1000  # the most metrics that a server takes at once
_REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INTERNAL_ERROR")
_MOST_REFUSED = 20  # a server that refuses more is broken, and is not asked a thousand times
_ENDS = {"finished": "FINISHED", "interrupted": "KILLED", "paused": "KILLED"}


class _Recorder:
    """One run and its counterpart in MLflow."""

    def __init__(self, view: RunView, uri: str) -> None:
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(uri)
        self.sent: set[Point] = set()  # only asked for membership
        self.refused: list[str] = []
        self.next = 0.0
        self.names = Names()
        self.id = self._found(view)

    def _found(self, view: RunView) -> str:
        """Return the MLflow run that a resumed run began, or a new one."""
        experiment = self.client.get_experiment_by_name(view.method)
        number = (
            self.client.create_experiment(view.method)
            if experiment is None
            else experiment.experiment_id
        )
        earlier = self.client.search_runs([number], f"tags.`heliostat.run` = '{view.id}'")
        if earlier:
            return str(earlier[0].info.run_id)
        called = view.marks.name or view.id
        made = self.client.create_run(number, run_name=called, tags={"heliostat.run": view.id})
        run = str(made.info.run_id)
        for name, text in parameters(view.config).items():
            self._unless_refused(name, lambda n=name, t=text: self.client.log_param(run, n, t))
        return run

    def send(self, view: RunView) -> None:
        """Send the metrics that are new; a point that the server refuses takes no other along."""
        new = [point for point in points(view, self.names) if point not in self.sent]
        now = int(time.time() * 1000)
        for start in range(0, len(new), _BATCH):
            self._send(new[start : start + _BATCH], now)

    def _send(self, batch: Sequence[Point], now: int) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(p.name, p.value, now, p.step) for p in batch]
        refused = self._refusal(lambda: self.client.log_batch(self.id, metrics=metrics))
        if refused is not None and len(batch) > 1:
            middle = len(batch) // 2
            self._send(batch[:middle], now)
            self._send(batch[middle:], now)
            return
        if refused is not None:
            self.refused.append(f"{batch[0]}: {refused}")
        self.sent.update(batch)

    def tag(self, view: RunView) -> None:
        """Say what names the run and its result."""
        for name, text in tags(view).items():
            self._unless_refused(name, lambda n=name, t=text: self.client.set_tag(self.id, n, t))

    def end(self, state: str) -> None:
        """Close the MLflow run."""
        self.client.set_terminated(self.id, _ENDS.get(state, "FAILED"))

    def tell(self) -> None:
        """Raise RuntimeError with the first of what was refused, which is counted and logged."""
        if self.refused:
            raise RuntimeError(f"MLflow refused {len(self.refused)} values: {self.refused[0]}")

    def _unless_refused(self, what: str, send: Callable[[], Any]) -> None:
        refused = self._refusal(send)
        if refused is not None:
            self.refused.append(f"{what}: {refused}")

    def _refusal(self, send: Callable[[], Any]) -> str | None:
        """Return why the server took it not, None if it did; raise when there is no server."""
        from mlflow.exceptions import MlflowException

        try:
            send()
        except MlflowException as error:
            if error.error_code not in _REFUSED or len(self.refused) >= _MOST_REFUSED:
                raise
            return str(error)[:300]
        return None


_recorders: dict[str, _Recorder] = {}


def _recorder(view: RunView) -> _Recorder | None:
    uri = os.environ.get(URI_VARIABLE)
    if not uri:
        return None
    if view.id not in _recorders:
        _recorders[view.id] = _Recorder(view, uri)
    return _recorders[view.id]


@hookimpl
def heliostat_run_started(run: RunView) -> None:
    """Begin, or find again, the run in MLflow."""
    recorder = _recorder(run)
    if recorder is not None:
        recorder.client.update_run(recorder.id, status="RUNNING")
        recorder.tag(run)


@hookimpl
def heliostat_batch_committed(run: RunView) -> None:
    """Send new metrics, unless some were sent a moment ago."""
    recorder = _recorders.get(run.id)
    if recorder is not None and time.monotonic() >= recorder.next:
        recorder.next = time.monotonic() + SECONDS
        recorder.send(run)


@hookimpl
def heliostat_run_finished(run: RunView, error: BaseException | None) -> None:
    """Send what is left, then tags and state: each of them whatever became of the others."""
    recorder = _recorder(run)  # the server may have been away when the run began
    if recorder is None:
        return
    with ExitStack() as last:  # they are called last to first
        last.callback(_recorders.pop, run.id)
        last.callback(recorder.tell)
        last.callback(recorder.end, run.state)
        last.callback(recorder.tag, run)
        recorder.send(run)
