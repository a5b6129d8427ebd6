"""A run's trials as a file for optuna-dashboard."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from heliostat.errors import StoreError
from heliostat.report.studies import TRIALS_KIND, quiet, studies
from heliostat.store.view import RunView


def write_studies(view: RunView, path: Path) -> list[str]:
    """Write a run's studies into a new SQLite file for optuna-dashboard and return their names.

    Raises StoreError when the run has none, or the file exists.
    """
    if path.exists():
        raise StoreError(f"{path} exists already; choose another name")
    if not any(p["kind"] == TRIALS_KIND for p in view.products()):
        state, folder = view.state, shlex.quote(str(view.folder.path))
        hint = "" if state == "finished" else f"; it is {state}: heliostat resume {folder}"
        raise StoreError(f"run {view.id} has no trials of a search of parameters{hint}")
    from optuna.storages import RDBStorage

    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        with quiet():
            storage = RDBStorage(f"sqlite:///{partial}")
        names = [study.study_name for study in studies(view, storage)]
        storage.engine.dispose()
        os.replace(partial, path)
    except Exception as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    return names
