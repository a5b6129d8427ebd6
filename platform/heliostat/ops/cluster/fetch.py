"""Bringing a run home from a cluster's head: copied beside its place, verified, then renamed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heliostat.errors import ClusterError, CorruptStore, StoreError
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.lock import held
from heliostat.store.marks import Marks, read_marks, write_marks
from heliostat.store.view import RunView

HEAD_RUNS = "~/runs"
"""Where runs lie that `ray submit` began: it starts scripts in the home folder."""
Launcher = Callable[..., str]


def launcher(*arguments: str) -> str:
    """Run a `ray` command and return what it printed; raises ClusterError with its last words."""
    beside = Path(sys.executable).parent / "ray"
    ray = str(beside) if beside.exists() else shutil.which("ray")
    if ray is None:
        raise ClusterError("there is no ray command here; pip install 'ray>=2.60,<2.61'")
    done = subprocess.run([ray, *arguments], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        said = [line for line in lines if "rror" in line and "Command failed" not in line]
        last = (said or lines or ["it said nothing"])[-1].strip()
        raise ClusterError(f"ray {arguments[0]} failed: {last}; is the cluster up (ray up)?")
    return done.stdout


def fetch(
    config: Path,
    run: str,
    root: Path,
    *,
    head_runs: str = HEAD_RUNS,
    replace: bool = False,
    ray: Launcher = launcher,
) -> dict[str, Any]:
    """Copy a run from the head's runs folder into `root` and return {run, folder, digest, ...}.

    The copy's digest is computed anew and compared with the head's before the folder gets its
    name. Raises ClusterError when the head does not answer or the run is still going on, and
    CorruptStore when the copy is not what the head has.
    """
    account = _account(config, run, head_runs, ray)
    name, digest = str(account["run"]), account["digest"]
    if account["state"] == "running":
        raise ClusterError(f"run {name} is still going on at the head; fetch it when it has ended")
    home = RunFolder(root / name)
    if home.path.exists():
        if digest and _stored_digest(home) == digest:
            return {**_said(account, home), "copied": False}
        if not replace:
            raise StoreError(
                f"{home.path} exists already with other content; replace it with --replace"
            )
        if held(home.lock):
            raise StoreError(f"{home.path} is being driven here; stop it first")
    partial = RunFolder(root / f".fetching-{name}-{os.getpid()}")
    partial.path.mkdir(parents=True)
    try:
        ray("rsync-down", str(config), f"{head_runs}/{name}/", f"{partial.path}/")
        _verify(partial, account)
        _put_in_place(partial.path, home.path)
    finally:
        shutil.rmtree(partial.path, ignore_errors=True)
    return {**_said(account, home), "copied": True}


def last_json(text: str) -> Any:
    """Return the JSON object on the last line that holds one; a launcher prints much around it."""
    for line in reversed(text.splitlines()):
        if line.strip().startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                continue
    return None


def _account(config: Path, run: str, head_runs: str, ray: Launcher) -> dict[str, Any]:
    where = head_runs if head_runs.startswith("~/") else shlex.quote(head_runs)
    show = f"python -m heliostat.submit show {shlex.quote(run)} --json --runs {where}"
    said = ray("exec", str(config), f"HELIOSTAT_COMPACT=1 {show}")
    account = last_json(said)
    if not isinstance(account, dict) or "run" not in account:
        raise ClusterError(f"the head did not describe run {run!r} in {head_runs}: {said[-300:]}")
    return account


def _verify(partial: RunFolder, account: dict[str, Any]) -> None:
    if not partial.database.is_file():
        raise CorruptStore(str(partial.path), "a run's folder", "no run.db in what was copied")
    view = RunView(partial)
    try:
        for product in view.products():
            partial.artifacts.get(product["sha256"])
        if view.count() != account["outcomes"]:
            raise CorruptStore(
                str(partial.path), f"{account['outcomes']} outcomes", f"{view.count()}"
            )
    finally:
        view.close()
    if account["digest"]:
        journal = Journal(partial.database, partial.artifacts, readonly=True)
        found = journal.digest()
        journal.close()
        if found != account["digest"]:
            raise CorruptStore(str(partial.path), account["digest"], found)


def _put_in_place(partial: Path, home: Path) -> None:
    """Give a copy its name; what was written here about an older one stays if the head has none."""
    here = read_marks(home)
    if read_marks(partial) == Marks() != here:
        write_marks(partial, here)
    aside = partial.with_name(f"{partial.name}-old")
    if home.exists():
        home.rename(aside)
    partial.rename(home)
    shutil.rmtree(aside, ignore_errors=True)


def _stored_digest(home: RunFolder) -> str | None:
    view = RunView(home)
    found = view.digest
    view.close()
    return found


def _said(account: dict[str, Any], home: RunFolder) -> dict[str, Any]:
    said = {name: account[name] for name in ("run", "state", "digest", "outcomes")}
    return {**said, "folder": str(home.path)}
