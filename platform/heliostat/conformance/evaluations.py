"""Rules about one run: what it asked for, what its tasks leave behind, what it shows.

Items of the quick run are evaluated again in this process, in other orders, to find state that
should not be there.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from heliostat import config as configuration
from heliostat.conformance.rule import Broken, NotJudged
from heliostat.conformance.trial import Failed, Trial
from heliostat.encoding import decode, encode
from heliostat.errors import ConfigError, HeliostatError, key_text
from heliostat.numerics import set_threads
from heliostat.plugins import registry
from heliostat.store.journal import Row
from heliostat.task import Reply, Work, WorkerSide, resolve

_UNPLAIN = "EncodingError"
_MISUSE = "MisuseError"
_SHARED = "changed shared data"
_NO_TASK = ("a task must be", "is defined in the script")


def presets(trial: Trial) -> None:
    """Every preset validates; written as TOML and read back it is the same."""
    import tomli_w

    spec = trial.spec
    if trial.preset not in spec.presets:
        raise Broken(f"method {spec.name} has no preset {trial.preset!r}: {sorted(spec.presets)}")
    for preset in spec.presets:
        try:
            values = configuration.plain(configuration.resolve(spec, registry(), preset=preset))
        except HeliostatError as error:
            raise Broken(f"preset {preset}: {error}") from error
        again = tomllib.loads(tomli_w.dumps(configuration.without_none(values)))
        filled = configuration.with_none(again, values)
        if configuration.plain(configuration.validate(spec.config, filled)) != values:
            raise Broken(f"preset {preset} reads back from TOML as something else")


def unknown_keys(trial: Trial) -> None:
    """A misspelt field is an error that names it."""
    try:
        configuration.resolve(trial.spec, registry(), overrides=["no_such_field=1"])
    except ConfigError as error:
        if "no_such_field" in str(error):
            return
        raise Broken(f"the error for no_such_field does not name it: {error}") from error
    raise Broken("-o no_such_field=1 was accepted")


def module_level_tasks(trial: Trial) -> None:
    """Every task can be imported by its name."""
    if isinstance(trial.quick, Failed) and _by_task(trial.quick):
        raise Broken(trial.quick.message)
    for function in sorted({row.function for row in trial.rows}):
        try:
            resolve(function)
        except HeliostatError as error:
            raise Broken(str(error)) from error


def plain_values(trial: Trial) -> None:
    """Items, values, shared data and result have a canonical text that decodes to the same."""
    if isinstance(trial.quick, Failed) and _by_value(trial.quick):
        raise Broken(trial.quick.message)
    for row in trial.rows:
        if row.failure is not None and row.failure.kind.endswith(_UNPLAIN):
            raise Broken(f"task {row.function}, item {key_text(row.key)}: {row.failure.message}")
        for text in (row.item, row.value):
            if text is not None:
                full = trial.view.text(text)
                if encode(decode(full)) != full:
                    raise Broken(f"item {key_text(row.key)} decodes to another value: {full[:200]}")


def quick_run(trial: Trial) -> None:
    """The quick preset runs to its end in one process and evaluates at least one task."""
    if isinstance(trial.quick, Failed):
        if any(by(trial.quick) for by in (_by_task, _by_value, _by_shared)):
            raise NotJudged("the quick run ends with what breaks another rule")
        raise Broken(trial.quick.message)
    if trial.quick["outcomes"] == 0:
        raise Broken("it finished without asking `run` for anything")


def global_random_state(trial: Trial) -> None:
    """Tasks neither consume nor set the states of random, numpy.random and torch."""
    if not trial.rows:
        return
    worker = _worker(trial)
    for row in _first_of_each_task(trial.rows):
        _evaluate(worker, trial, row)  # imports may draw
    for row in trial.rows[:20]:
        before = _random_states()
        _evaluate(worker, trial, row)
        changed = [name for name, state in _random_states().items() if state != before.get(name)]
        if changed:
            raise Broken(f"task {row.function} changed the state of {' and '.join(changed)}")


def item_order(trial: Trial) -> None:
    """One process that evaluates the items last to first gets the journaled bytes."""
    worker = _worker(trial)
    for row in reversed(trial.rows):
        found, stored = _outcome(_evaluate(worker, trial, row)), _stored(trial, row)
        if found != stored:
            raise Broken(
                f"task {row.function}, item {key_text(row.key)}: evaluated last to first it gives "
                f"{_short(found)}, the run has {_short(stored)}"
            )


def shared_data(trial: Trial) -> None:
    """No task changes shared data."""
    if isinstance(trial.quick, Failed) and _by_shared(trial.quick):
        raise Broken(trial.quick.message)
    for row in trial.rows:
        if row.failure is not None and _SHARED in row.failure.message:
            raise Broken(row.failure.message)
    worker = _worker(trial)
    for row in [*_first_of_each_task(trial.rows), *trial.rows[:20]]:
        _evaluate(worker, trial, row)
        if worker.altered_shared_data():
            raise Broken(f"task {row.function}, item {key_text(row.key)}, changed its shared data")


def writes(trial: Trial) -> None:
    """Every file that Python opens for writing lies in the runs folder or in the cache."""
    if isinstance(trial.quick, Failed):
        raise NotJudged("the quick run does not finish")
    _, paths = trial.audited
    allowed = (str(trial.runs.resolve()), str(trial.cache.resolve()), "/dev/")
    outside = [path for path in paths if not os.path.realpath(path).startswith(allowed)]
    if outside:
        raise Broken(f"written: {', '.join(outside[:5])}")


def report(trial: Trial) -> None:
    """The report is written and names the run; so does the text at the end, if there is one."""
    from heliostat.report.build import write_report

    view, spec = trial.view, trial.spec
    try:
        text = Path(write_report(view, spec, registry())).read_text(encoding="utf-8")
        said = "" if spec.describe is None else spec.describe(view.result, view.id)
    except Exception as error:
        raise Broken(f"it raised {type(error).__name__}: {error}{_line_of(error)}") from error
    if view.id not in text:
        raise Broken("the report does not name the run")
    if not isinstance(said, str):
        raise Broken(f"describe returned a {type(said).__name__}, not text")


def no_pickles(trial: Trial) -> None:
    """No file in the run's folder is a pickle."""
    for path in sorted((trial.folder / trial.serial["folder"]).rglob("*")):
        if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm"):
            with path.open("rb") as file:
                if file.read(2) in (b"\x80\x04", b"\x80\x05"):
                    raise Broken(f"{path.name} is a pickle")


def digest_of_export(trial: Trial) -> None:
    """Ten lines that share no code with the platform recompute the digest."""
    total = hashlib.sha256()
    export = trial.commands.command("export", trial.serial["run"], environment=trial.environment())
    for line in export.stdout.splitlines():
        row = json.loads(line)
        if row["observed"]:
            continue
        kind = row["failure"]["kind"] if row["failure"] else None
        parts = [row["key"], row["function"], row["item"], row["shared"], row["value"], kind]
        total.update((json.dumps(parts, separators=(",", ":")) + "\n").encode())
    if total.hexdigest() != trial.serial["digest"]:
        raise Broken(f"the export gives {total.hexdigest()}, the run has {trial.serial['digest']}")


def _by_task(failed: Failed) -> bool:
    return failed.kind == _MISUSE and any(text in failed.message for text in _NO_TASK)


def _by_value(failed: Failed) -> bool:
    return failed.kind == _UNPLAIN or f"({_UNPLAIN})" in failed.message


def _by_shared(failed: Failed) -> bool:
    return _SHARED in failed.message


def _worker(trial: Trial) -> WorkerSide:
    artifacts = trial.view.folder.artifacts
    set_threads(1)
    return WorkerSide(
        trial.view.seed, trial.cache, 0.0, fetch=lambda sha256: artifacts.get(sha256).decode()
    )


def _evaluate(worker: WorkerSide, trial: Trial, row: Row) -> Reply:
    item = trial.view.text(row.item)
    work = Work(row.key, row.key[: row.depth], row.function, item, row.shared)
    here = Path.cwd()
    with tempfile.TemporaryDirectory(dir=trial.folder) as folder:  # a task may write where it is
        os.chdir(folder)
        try:
            return worker.evaluate(work, "conformance kit", lambda state: None)
        finally:
            os.chdir(here)


def _first_of_each_task(rows: list[Row]) -> list[Row]:
    return list({row.function: row for row in reversed(rows)}.values())


def _outcome(reply: Reply) -> tuple[str | None, str | None]:
    return reply.value, None if reply.failure is None else reply.failure.kind


def _stored(trial: Trial, row: Row) -> tuple[str | None, str | None]:
    value = None if row.value is None else trial.view.text(row.value)
    return value, None if row.failure is None else row.failure.kind


def _short(outcome: tuple[str | None, str | None]) -> str:
    value, failure = outcome
    text = f"a failure ({failure})" if value is None else value
    return text if len(text) <= 120 else text[:117] + "..."


def _random_states() -> dict[str, Any]:
    import numpy as np

    name, keys, *rest = np.random.get_state()
    states: dict[str, Any] = {
        "random": random.getstate(),
        "numpy.random": (name, bytes(np.asarray(keys)), tuple(rest)),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.random.get_rng_state().numpy().tobytes()
    return states


def _line_of(error: BaseException) -> str:
    """Return where an error came up: the last line of the traceback that is not the platform's."""
    import traceback

    own = str(Path(configuration.__file__).parent)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if own not in f.filename]
    if not frames:
        return ""
    return f" ({frames[-1].name}, line {frames[-1].lineno} of {Path(frames[-1].filename).name})"
