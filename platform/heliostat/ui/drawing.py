"""The sections of runs, drawn in a process of its own, where a method's code may do what it does.

As a module it is that process: it answers the folder of a run with the markup of its sections.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from heliostat.contract.sections import Section, Text
from heliostat.store.folder import RunFolder
from heliostat.ui.child_process import ChildFailed, ChildProcess, answer_lines
from heliostat.ui.markup import Html, element
from heliostat.ui.rows import Signature

SECONDS = 120.0
"""How long one report may take."""
_KEPT = 16


class Drawer:
    """Draws the sections of runs; what is drawn is kept while the run's files stay the same."""

    def __init__(self) -> None:
        self._child = ChildProcess("heliostat.ui.drawing", SECONDS)
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, tuple[Signature, Html]] = OrderedDict()

    def sections(self, folder: RunFolder, now: Signature) -> Html:
        """Return the sections of a run whose files look so, as markup."""
        with self._lock:
            kept = self._kept.get(folder.path)
        if kept is not None and kept[0] == now:
            return kept[1]
        try:
            # what the child sends was made by `report.html`, which escapes
            drawn = Html(str(self._child.ask(str(folder.path.absolute()))))
        except ChildFailed as error:
            return element("p", f"The report of this run cannot be drawn: {error}", class_="why")
        with self._lock:
            self._kept[folder.path] = now, drawn
            self._kept.move_to_end(folder.path)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return drawn

    def close(self) -> None:
        """End the process."""
        self._child.close()


def drawn(path: object) -> str:
    """Return the markup of a run's sections, or a sentence in its place."""
    from heliostat.errors import told
    from heliostat.report.html import fragment

    try:
        return fragment(_sections(RunFolder(Path(str(path)))))
    except Exception as error:  # a hostile folder may fail in any way
        return fragment([Section("This run cannot be shown", [Text(told(error))])])


def _sections(folder: RunFolder) -> list[Section]:
    from heliostat.errors import PluginError
    from heliostat.plugins.registry import registry
    from heliostat.report.absent import stand_in
    from heliostat.report.build import sections_of
    from heliostat.store.view import RunView
    from heliostat.ui.curves import PROGRESS, metrics_by_scope, progress

    view = RunView(folder, alone=True)
    try:
        before = progress(metrics_by_scope(view)) if view.state != "finished" else []
        try:
            method = registry().method(view.method)
        except PluginError as error:
            method = stand_in(view, error)
        found = sections_of(view, method, registry())
        titles = {section.title for section in found}
        twice = "Progress" in titles  # a method without a report shows the same
        return [*(s for s in before if not (twice and s.title == PROGRESS)), *found]
    finally:
        view.close()


if __name__ == "__main__":
    answer_lines(drawn)
