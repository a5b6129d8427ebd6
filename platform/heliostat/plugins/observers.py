"""Plugins that watch a run: called one by one; what they raise is counted and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from heliostat.errors import told
from heliostat.plugins.registry import HookCall, Registry
from heliostat.process.guard import changed_by, guarded
from heliostat.store.database.rows import Row
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat.values.outcome import Outcome

STARTED, COMMITTED, FINISHED = (
    "heliostat_run_started",
    "heliostat_batch_committed",
    "heliostat_run_finished",
)


class Observers:
    """The observers of one run; `note(kind, text)` takes what went wrong in them."""

    def __init__(
        self, plugins: Registry, folder: RunFolder, note: Callable[[str, str], None]
    ) -> None:
        self._folder = folder
        self._note = note
        self._calls = {
            hook: plugins.hook_implementations(hook) for hook in (STARTED, COMMITTED, FINISHED)
        }
        self._raised: dict[tuple[str, str], int] = {}
        self._changed: set[tuple[str, str]] = set()

    def started(self) -> None:
        """Tell that the run starts or resumes."""
        self._tell(STARTED)

    def committed(self, rows: Sequence[Row]) -> None:
        """Tell of a batch of outcomes."""
        if self._calls[COMMITTED]:
            outcomes: list[Outcome[object]] = [Outcome(row.key, None, row.failure) for row in rows]
            self._tell(COMMITTED, outcomes=outcomes)

    def finished(self, error: BaseException | None) -> None:
        """Tell that the run ended, then sum up what went wrong in observers."""
        self._tell(FINISHED, error=error)
        for (plugin, hook), count in self._raised.items():
            if count > 1:
                self._note("observer", f"{plugin}: {hook} failed {count} times")

    def failures(self) -> dict[str, int]:
        """Return how often each plugin's observers raised, for those that did."""
        total: dict[str, int] = {}
        for (plugin, _), count in self._raised.items():
            total[plugin] = total.get(plugin, 0) + count
        return total

    def _tell(self, hook: str, **given: object) -> None:
        if not self._calls[hook]:
            return
        view = RunView(self._folder)
        try:
            for call in self._calls[hook]:
                self._call(call, hook, run=view, **given)
        finally:
            view.close()

    def _call(self, call: HookCall, hook: str, **given: object) -> None:
        def failed(error: BaseException) -> None:
            at = (call.plugin, hook)
            self._raised[at] = self._raised.get(at, 0) + 1
            if self._raised[at] == 1:  # one line, not one a batch
                self._note("observer", f"{call.plugin}: {hook}: {told(error)}")

        def changed(said: str) -> None:
            if (call.plugin, said) not in self._changed:
                self._changed.add((call.plugin, said))
                self._note("observer", changed_by(f"{call.plugin}: {hook}", said))

        with guarded(failed, changed):
            call(**given)
