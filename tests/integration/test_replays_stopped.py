"""A finished run whose replay is stopped stays finished; who looks meanwhile sees where it was."""

from typing import Any

import pytest

from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.engine import engine as engines
from heliostat.engine.search_run import SearchRun
from heliostat.errors import Interrupted
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import registry
from heliostat.store.folder import RunFolder, folders
from heliostat.store.view import RunView


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let every search be stopped when it reports this step."""
    report = SearchRun.report

    def chosen(wanted: int) -> None:
        def stopping(self: Any, step: int, **told: Any) -> None:
            if step == wanted:
                self._engine.stop()
            report(self, step, **told)

        monkeypatch.setattr(SearchRun, "report", stopping)

    return chosen


@pytest.fixture
def execution(tmp_path: Any) -> Execution:
    return Execution(workers=0, runs=tmp_path / "runs")


def begun(execution: Execution) -> RunFolder:
    (folder,) = folders(execution.runs)
    return folder


def row(folder: RunFolder) -> dict[str, Any]:
    view = RunView(folder)
    try:
        return view.row()
    finally:
        view.close()


def test_a_finished_run_stays_finished_when_its_replay_is_stopped(
    execution: Execution, stop_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "MOST_UNSAVED", 1)
    method = registry().method("curve_fit")
    start(method, preset="smoke", execution=execution)
    folder = begun(execution)
    before = row(folder)
    stop_at(2)
    with pytest.raises(Interrupted):
        resume(folder, execution=execution)
    after = row(folder)
    assert (after["state"], after["digest"]) == ("finished", before["digest"])
    assert (after["outcomes"], after["stored"]) == (before["outcomes"], before["stored"])


def test_a_replay_that_is_stopped_early_loses_no_step_from_sight(
    execution: Execution, monkeypatch: pytest.MonkeyPatch, stop_at: Any
) -> None:
    method = registry().method("curve_fit")
    with monkeypatch.context() as first:
        report = SearchRun.report

        def stopping(self: Any, step: int, **told: Any) -> None:
            if step == 3:
                self._engine.stop()
            report(self, step, **told)

        first.setattr(SearchRun, "report", stopping)
        with pytest.raises(Interrupted):
            start(method, preset="smoke", execution=execution)
    folder = begun(execution)
    before = row(folder)
    assert before["step"] == 3
    stop_at(1)
    with pytest.raises(Interrupted):
        resume(folder, execution=execution)
    after = row(folder)
    assert (after["step"], after["best"]) == (3, before["best"])
