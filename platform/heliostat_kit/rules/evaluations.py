"""Rules about one run: what it asked for, what its tasks leave behind, what it shows.

Items of the quick run are evaluated again in this process, in other orders, to find state that
should not be there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import tomllib
from pathlib import Path

from heliostat.cli.verbs.export import export
from heliostat.contract.config import plain, validate, without_none
from heliostat.contract.method import MethodSpec
from heliostat.driver import configuration
from heliostat.driver.replay import replay
from heliostat.errors import ConfigError, HeliostatError, StoreError, key_text
from heliostat.executors.choice import worker_of
from heliostat.plugins.offers import listed
from heliostat.plugins.registry import registry
from heliostat.store.database.rows import Row
from heliostat.store.view import RunView
from heliostat.values.canonical import decode, encode
from heliostat.values.names import task_named
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.numerics import set_threads
from heliostat.worker.work import Reply, Work
from heliostat_kit.exam.calls import calls
from heliostat_kit.exam.command import Failed
from heliostat_kit.exam.exam import UNFINISHED, Exam
from heliostat_kit.exam.random_states import changed_since, random_states
from heliostat_kit.verdict import Broken, NotJudged, Unwatched

_UNPLAIN = "EncodingError"
_MISUSE = "MisuseError"
_SHARED = "changed shared data"
# numpy, of an array that a task or a search was given: assignment, in-place functions, sort.
_READ_ONLY = ("destination is read-only", "array is read-only", "buffer is read-only")
_NO_TASK = ("a task must be", "is defined in the script")


def presets(exam: Exam) -> None:
    """Resolve each preset, and again what its TOML reads back as."""
    import tomli_w

    spec = exam.spec
    if exam.preset not in spec.presets:
        raise Broken(f"method {spec.name} has no preset {exam.preset!r}: {sorted(spec.presets)}")
    for preset in spec.presets:
        try:
            values = plain(configuration.resolve(spec, registry(), preset=preset))
        except HeliostatError as error:
            raise Broken(f"preset {preset}: {error}") from error
        again = tomllib.loads(tomli_w.dumps(without_none(values)))
        filled = configuration.with_none(again, values)
        if plain(validate(spec.config, filled)) != values:
            raise Broken(f"preset {preset} reads back from TOML as something else")


def unknown_keys(exam: Exam) -> None:
    """Set a field that does not exist."""
    try:
        configuration.resolve(exam.spec, registry(), overrides=["no_such_field=1"])
    except ConfigError as error:
        if "no_such_field" in str(error):
            return
        raise Broken(f"the error for no_such_field does not name it: {error}") from error
    raise Broken("-o no_such_field=1 was accepted")


def module_level_tasks(exam: Exam) -> None:
    """Look every task of the run up by its name."""
    if isinstance(exam.quick, Failed) and _by_task(exam.quick):
        raise Broken(exam.quick.message)
    for function in sorted({row.function for row in exam.rows}):
        try:
            task_named(function)
        except HeliostatError as error:
            raise Broken(str(error)) from error


def plain_values(exam: Exam) -> None:
    """Decode every stored text and encode it again."""
    if isinstance(exam.quick, Failed) and _by_value(exam.quick):
        raise Broken(exam.quick.message)
    for row in exam.rows:
        if row.failure is not None and row.failure.kind.endswith(_UNPLAIN):
            raise Broken(f"task {row.function}, item {key_text(row.key)}: {row.failure.message}")
        for text in (row.item, row.value):
            if text is not None:
                full = exam.view.text(text)
                if encode(decode(full)) != full:
                    raise Broken(f"item {key_text(row.key)} decodes to another value: {full[:200]}")


def quick_run(exam: Exam) -> None:
    """See how the quick run ended, and what its process did besides."""
    if isinstance(exam.quick, Failed):
        if any(by(exam.quick) for by in (_by_task, _by_value, _by_shared)):
            raise NotJudged("the quick run ends with what breaks another rule")
        raise Broken(exam.quick.message)
    if exam.quick["outcomes"] == 0:
        raise Broken("it finished without asking `run` for anything")
    if exam.spoilt:
        raise Broken(f"{exam.spoilt}: look for what writes there or ends it, also in atexit")


def global_random_state(exam: Exam) -> None:
    """Compare the generators' states around items evaluated here and around the watched search."""
    if not exam.rows:
        return
    worker = _worker(exam)
    for row in _first_of_each_task(exam.rows):
        _evaluate(worker, exam, row)  # imports may draw
    for row in exam.rows[:20]:
        before = random_states()
        _evaluate(worker, exam, row)
        changed = changed_since(before)
        if changed:
            raise Broken(f"task {row.function} changed the state of {' and '.join(changed)}")
    _, noted = exam.reseeded
    if noted.drawn:
        raise Broken(f"the search changed the state of {' and '.join(noted.drawn)}")


def replayed(exam: Exam) -> None:
    """Let the search come to its end again from a copy of the run's journal."""
    try:
        replay(exam.view, registry())
    except StoreError as error:
        raise Broken(str(error)) from error


def item_order(exam: Exam) -> None:
    """Evaluate the items here, last to first, and compare with the journaled bytes."""
    worker = _worker(exam)
    for row in reversed(exam.rows):
        found, stored = _outcome(_evaluate(worker, exam, row)), _stored(exam, row)
        if found != stored:
            raise Broken(
                f"task {row.function}, item {key_text(row.key)}: evaluated last to first it gives "
                f"{_short(found)}, the run has {_short(stored)}"
            )


def shared_data(exam: Exam) -> None:
    """Look for refused changes in the run and for changes by items evaluated here.

    Arrays are read-only, so an attempt is an error.
    """
    if isinstance(exam.quick, Failed) and _by_shared(exam.quick):
        by = exam.quick.task
        named = not by or _SHARED in exam.quick.message
        raise Broken(exam.quick.message if named else f"{by}: {exam.quick.message}")
    for row in exam.rows:
        if row.failure is not None and _tells_of_shared(row.failure.message):
            where = f"task {row.function}, item {key_text(row.key)}"
            raise Broken(f"{where}: {row.failure.message}")
    worker = _worker(exam)
    for row in [*_first_of_each_task(exam.rows), *exam.rows[:20]]:
        _evaluate(worker, exam, row)
        if worker.altered_shared_data():
            raise Broken(f"task {row.function}, item {key_text(row.key)}, changed its shared data")


def writes(exam: Exam) -> None:
    """Look at the paths that Python wrote in the watched run."""
    if isinstance(exam.quick, Failed):
        raise NotJudged(UNFINISHED)
    _, noted = exam.reseeded
    allowed = [exam.runs.resolve(), exam.cache.resolve(), Path("/dev")]
    outside = [path for path in noted.written if not any(_within(path, own) for own in allowed)]
    if outside:
        more = f" and {len(outside) - 9} more" if len(outside) > 9 else ""
        raise Broken(f"written: {', '.join(outside[:9])}{more}")


def processes(exam: Exam) -> None:
    """Look at the processes that the watched run started."""
    if isinstance(exam.quick, Failed):
        raise NotJudged(UNFINISHED)
    _, noted = exam.reseeded
    if noted.started:
        raise Unwatched(
            f"the method starts {', '.join(noted.started[:5])}; what other processes write and "
            "draw cannot be watched, so see to it that they keep to the rules"
        )


def report(exam: Exam) -> None:
    """Render the report, and ask for the text at the end if there is one."""
    view, spec = exam.view, exam.spec
    with calls("it", exam.limit):
        text = _page(view, spec)
        said = "" if spec.describe is None else spec.describe(view.result, view.id)
    if view.id not in text:
        raise Broken("the report does not name the run")
    if not isinstance(said, str):
        raise Broken(f"describe returned a {type(said).__name__}, not text")


def partial_report(exam: Exam) -> None:
    """Render the report of a run that was killed in the middle."""
    view, spec = exam.half, exam.spec
    with calls("the report of a run that was killed in the middle", exam.limit):
        _page(view, spec)


def _page(view: RunView, spec: MethodSpec) -> str:
    from heliostat.contract.sections import Section
    from heliostat.report.build import write_report
    from heliostat.report.html import render

    if spec.report is not None:  # a run's report would only have a note in its place
        render(spec.name, listed("report", spec.report(view), Section))
    return Path(write_report(view, spec, registry())).read_text(encoding="utf-8")


def no_pickles(exam: Exam) -> None:
    """Look at the first bytes of every file of the run."""
    for path in sorted((exam.folder / exam.serial["folder"]).rglob("*")):
        if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm"):
            with path.open("rb") as file:
                if file.read(2) in (b"\x80\x04", b"\x80\x05"):
                    raise Broken(f"{path.name} is a pickle")


def digest_of_export(exam: Exam) -> None:
    """Recompute the digest by ten lines that share no code with the platform."""
    total = hashlib.sha256()
    for line in _exported(exam).splitlines():
        try:
            row = json.loads(line)
        except ValueError as error:
            said = f"heliostat export prints {line[:80]!r}, which is no JSON"
            raise Broken(f"{said}: look for what the plugin prints, also in atexit") from error
        if row["observed"]:
            continue
        kind = row["failure"]["kind"] if row["failure"] else None
        parts = [row["key"], row["function"], row["item"], row["shared"], row["value"], kind]
        total.update((json.dumps(parts, separators=(",", ":")) + "\n").encode())
    if total.hexdigest() != exam.serial["digest"]:
        raise Broken(f"the export gives {total.hexdigest()}, the run has {exam.serial['digest']}")


def _exported(exam: Exam) -> str:
    """Return what `heliostat export` prints; in a process of its own if that may be more."""
    run = exam.serial["run"]
    if exam.spoilt:
        return exam.commands.command("export", run, environment=exam.environment()).stdout
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        export.main([run, "--runs", str(exam.runs)], "heliostat export", standalone_mode=False)
    return printed.getvalue()


def _by_task(failed: Failed) -> bool:
    return failed.kind == _MISUSE and any(text in failed.message for text in _NO_TASK)


def _by_value(failed: Failed) -> bool:
    return failed.kind == _UNPLAIN or f"({_UNPLAIN})" in failed.message


def _by_shared(failed: Failed) -> bool:
    return _tells_of_shared(failed.message)


def _tells_of_shared(message: str) -> bool:
    return _SHARED in message or any(text in message for text in _READ_ONLY)


def _within(path: str, folder: Path) -> bool:
    return os.path.commonpath([path, folder]) == str(folder)


def _worker(exam: Exam) -> WorkerSide:
    set_threads(1)
    return worker_of(exam.view, registry(), exam.cache)


def _evaluate(worker: WorkerSide, exam: Exam, row: Row) -> Reply:
    item = exam.view.text(row.item)
    work = Work(row.key, row.key[: row.depth], row.function, item, row.shared)
    here = Path.cwd()
    with tempfile.TemporaryDirectory(dir=exam.folder) as folder:  # a task may write where it is
        os.chdir(folder)
        try:
            return worker.evaluate(work, "conformance kit", lambda state: None)
        finally:
            os.chdir(here)


def _first_of_each_task(rows: list[Row]) -> list[Row]:
    return list({row.function: row for row in reversed(rows)}.values())


def _outcome(reply: Reply) -> tuple[str | None, str | None]:
    return reply.value, None if reply.failure is None else reply.failure.kind


def _stored(exam: Exam, row: Row) -> tuple[str | None, str | None]:
    value = None if row.value is None else exam.view.text(row.value)
    return value, None if row.failure is None else row.failure.kind


def _short(outcome: tuple[str | None, str | None]) -> str:
    value, failure = outcome
    text = f"a failure ({failure})" if value is None else value
    return text if len(text) <= 120 else text[:117] + "..."
