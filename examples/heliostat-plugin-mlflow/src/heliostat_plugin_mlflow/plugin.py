"""The three hooks of an observer; MLflow is imported when there is something to send."""

from __future__ import annotations

import os
import time
from typing import Any

from heliostat import hookimpl
from heliostat.contract import RunView

from heliostat_plugin_mlflow.recording import Point, parameters, points, tags

URI_VARIABLE = "MLFLOW_TRACKING_URI"
SECONDS = 2.0
"""Least time between two messages while a run is going on."""

_BATCH = 1000  # the most metrics that a server takes at once


class _Recorder:
    """One run and its counterpart in MLflow."""

    def __init__(self, view: RunView, uri: str) -> None:
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(uri)
        self.sent: set[Point] = set()  # only asked for membership
        self.next = 0.0
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
        made = self.client.create_run(number, run_name=view.id, tags=tags(view))
        for name, text in parameters(view.config).items():
            self.client.log_param(made.info.run_id, name, text)
        return str(made.info.run_id)

    def send(self, view: RunView) -> None:
        """Send the metrics that are new."""
        from mlflow.entities import Metric

        new = [point for point in points(view) if point not in self.sent]
        now = int(time.time() * 1000)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            metrics = [Metric(p.name, p.value, now, p.step) for p in batch]
            self.client.log_batch(self.id, metrics=metrics)
            self.sent.update(batch)


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


@hookimpl
def heliostat_batch_committed(run: RunView) -> None:
    """Send new metrics, unless some were sent a moment ago."""
    recorder = _recorders.get(run.id)
    if recorder is not None and time.monotonic() >= recorder.next:
        recorder.send(run)
        recorder.next = time.monotonic() + SECONDS


@hookimpl
def heliostat_run_finished(run: RunView, error: BaseException | None) -> None:
    """Send what is left, with digest and state."""
    recorder = _recorders.pop(run.id, None)
    if recorder is None:
        return
    recorder.send(run)
    outcome: dict[str, Any] = tags(run)
    for name, text in outcome.items():
        recorder.client.set_tag(recorder.id, name, text)
    status = {"finished": "FINISHED", "interrupted": "KILLED", "paused": "KILLED"}.get(
        run.state, "FAILED"
    )
    recorder.client.set_terminated(recorder.id, status)
