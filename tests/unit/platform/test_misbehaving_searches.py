"""A search or task that breaks a rule is told which, with its method and the place in the run."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import heliostat_test_tasks as tasks
import misbehaving
import numpy as np
import pytest
import torch
from engine_runs import drive
from heliostat_test_methods import METHODS
from hypothesis import given
from hypothesis import strategies as st
from scrambled_executors import ScrambledExecutor

from heliostat import MethodConfig, hookimpl
from heliostat.contract.method import migrated
from heliostat.driver.configuration import current_values, read_run_file
from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.errors import (
    ConfigError,
    EncodingError,
    IdentityChanged,
    Interrupted,
    MisuseError,
    PluginError,
    StoreError,
    TaskError,
)
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry
from heliostat.store.folder import RunFolder, find, folders
from heliostat.store.view import RunView
from heliostat.values.canonical import decode, encode
from heliostat.worker.unchanged import is_unchanged, mark


def run(folder: Path, search: Any) -> dict[str, Any]:
    return start(
        dataclasses.replace(METHODS["ends_badly"], name="rogue", search=search),
        execution=Execution(workers=0, runs=folder, cache_dir=folder / "cache"),
        plugins=Registry(),
    )


@pytest.mark.parametrize(
    ("search", "kind", "said"),
    [
        (
            misbehaving.nothing_outstanding,
            MisuseError,
            "method rogue, call 0, after step 2: next() was called with nothing outstanding",
        ),
        (
            misbehaving.nothing_outstanding_inside,
            MisuseError,
            "method rogue, call 0.1.0: next() was called with nothing outstanding",
        ),
        (
            misbehaving.another_thread,
            MisuseError,
            "method rogue, before its first call: run was used from another thread",
        ),
        (
            misbehaving.reports_a_word,
            MisuseError,
            "method rogue, before its first call: report(loss=...): expected a number, got 'high'",
        ),
        (
            misbehaving.no_items,
            MisuseError,
            "method rogue, call 0: the items of heliostat_test_tasks:square are None; expected",
        ),
        (
            misbehaving.lambda_as_task,
            MisuseError,
            "method rogue, call 0: a task must be a function at module level",
        ),
        (
            misbehaving.item_is_a_function,
            EncodingError,
            "method rogue, call 0: item 0.2 of heliostat_test_tasks:square: value of type "
            "builtin_function_or_method cannot be stored",
        ),
        (
            misbehaving.checkpoint_is_a_lock,
            EncodingError,
            "method rogue, before its first call: value['lock'] of type _thread.lock cannot",
        ),
        (
            misbehaving.result_is_a_set,
            EncodingError,
            "method rogue, its result: value['found'][1] of type set cannot be stored; sets have",
        ),
    ],
)
def test_misuse_is_told_with_method_and_place(
    tmp_path: Path, search: Any, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        run(tmp_path, search)
    assert str(caught.value).startswith(said)
    view = RunView(find("last", tmp_path))
    assert view.state == "failed"
    assert view.error.startswith(f"{kind.__name__}: {said}")


def test_megabytes_in_every_item_are_warned_of_once(tmp_path: Path) -> None:
    account = run(tmp_path, misbehaving.large_items)
    (warning,) = account["warnings"]
    assert warning.startswith("method rogue, call 0: item 0.0 of heliostat_test_tasks:whoami holds")
    assert "2.1 MB" in warning
    assert "run.share" in warning
    events = RunView(RunFolder(Path(account["folder"]))).events()
    assert [text for _, kind, text in events if kind == "warning"] == [warning]


@pytest.mark.parametrize(
    "search", [misbehaving.returns_when_stopped, misbehaving.fails_when_stopped]
)
def test_an_interruption_that_is_caught_still_ends_the_run(tmp_path: Path, search: Any) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, search)
    folder = find("last", tmp_path)
    view = RunView(folder)
    assert view.state == "interrupted"
    assert view.digest is None
    lines = [json.loads(line) for line in folder.log.open()]
    (warning,) = [line["text"] for line in lines if line["kind"] == "warning"]
    assert warning.startswith("method rogue, before its first call: the search caught the interr")


def test_a_failed_task_is_told_with_its_message_and_the_place_that_the_search_gives(
    tmp_path: Path,
) -> None:
    def search(config: Any, run: Any) -> Any:
        outcome = run.call(tasks.always_fails, 0)
        raise TaskError(outcome.key, outcome.failure.kind, "", where="round 3, block 5")

    with pytest.raises(TaskError) as caught:
        run(tmp_path, search)
    said, frame, code = str(caught.value).split("\n")
    assert said == "round 3, block 5: task 0 failed (RuntimeError): never works"
    assert frame.startswith('  File "')
    assert frame.endswith(", in always_fails")
    assert code == '    raise RuntimeError("never works")'
    assert caught.value.shown_under == (0,)


def evaluated(runs: Path) -> int:
    try:
        return sum(RunView(folder).count() for folder in folders(runs))
    except StoreError:  # its journal is just being made
        return 0


def begun(cli: Any, name: str) -> Any:
    """Start the search of that name of `misbehaving` in a process of its own."""
    (cli.folder / "rogue_method.py").write_text(
        "import dataclasses\nimport misbehaving\nfrom heliostat import hookimpl\n"
        "from heliostat_test_methods import METHODS\n@hookimpl\ndef heliostat_methods():\n"
        "    return [dataclasses.replace(\n"
        f"        METHODS['ends_badly'], name='rogue', search=misbehaving.{name})]\n"
    )
    environment = {
        "HELIOSTAT_LOAD": "rogue_method",
        "PYTHONPATH": f"{cli.folder}:{cli.environment['PYTHONPATH']}",
    }
    return cli.popen("run", "rogue", "--workers", "serial", **environment)


def wait_until(condition: Any) -> None:
    until = time.monotonic() + 60
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)


def assert_told_how_to_go_on(cli: Any, said: str) -> None:
    assert f"Go on with:  heliostat resume {cli.only_run().name}\n" in said
    assert cli.json("ls")[0]["state"] == "interrupted"


def test_a_search_that_never_lets_an_interruption_through_is_ended(cli: Any) -> None:
    process = begun(cli, "never_ends")
    wait_until(lambda: evaluated(cli.runs))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "warning: method rogue, call " in said
    assert "catch Exception instead of BaseException" in said
    assert_told_how_to_go_on(cli, said)


@pytest.mark.parametrize("signals", [1, 2])
def test_a_task_that_holds_up_a_sub_search_is_left_and_the_end_says_how_to_go_on(
    cli: Any, signals: int
) -> None:
    process = begun(cli, "waits_in_a_sub_search")
    wait_until((cli.folder / "waiting").exists)
    for _ in range(signals):  # the second one does not wait for the task
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert_told_how_to_go_on(cli, said)


SHARED = {"rows": [1, 2], "rate": 0.5, "weight": torch.ones(3), "x": np.ones(3)}


def kinds(task: Any, executor: Any, folder: Path) -> list[Any]:
    def search(run: Any) -> Any:
        data = run.share(SHARED)
        return [
            o.failure.kind if o.failure else o.value for o in run.map(task, range(6), shared=data)
        ]

    return drive(search, folder, executor=executor).result  # type: ignore[no-any-return]


CHANGED = "heliostat.errors.MisuseError"


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (misbehaving.adds_to_list, [CHANGED] * 6),
        (misbehaving.sets_entry, [0, CHANGED] * 3),
        (misbehaving.deletes_entry, [CHANGED] * 6),
        (misbehaving.changes_tensor, [CHANGED] * 6),
        (misbehaving.changes_array, ["ValueError"] * 6),
        (misbehaving.only_reads, [9.0] * 6),
    ],
)
def test_a_change_of_shared_data_fails_the_item_and_reaches_no_other(
    tmp_path: Path, task: Any, expected: list[Any]
) -> None:
    assert kinds(task, None, tmp_path / "serial") == expected
    for seed in range(3):
        scrambled = partial(ScrambledExecutor, seed=seed)
        assert kinds(task, scrambled, tmp_path / f"scrambled{seed}") == expected


def test_the_failure_names_task_and_item(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        return run.map(misbehaving.adds_to_list, [5], shared=run.share(SHARED))[0].failure.kind

    (row,) = drive(search, tmp_path).rows
    assert row.failure is not None
    assert row.failure.message == (
        "task misbehaving:adds_to_list changed shared data in place (item 0.0); they are "
        "read-only, so copy what is to be changed"
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@given(values, values)
def test_a_mark_holds_while_nothing_changes_and_no_longer(value: Any, other: Any) -> None:
    shared = {"value": value, "list": [value]}
    marked = mark(shared)
    assert is_unchanged(shared, marked)
    shared["list"].append(other)
    assert not is_unchanged(shared, marked)


def test_reading_a_dataclass_or_model_is_no_change() -> None:
    shared = decode(encode({"config": METHODS["count"].config(), "pair": (1, [2])}))
    marked = mark(shared)
    assert shared["config"].rounds == 4
    assert is_unchanged(shared, marked)
    shared["pair"][1][0] = 3
    assert not is_unchanged(shared, marked)


# Methods whose configuration changed


class Renamed(MethodConfig):
    """`rounds` was called `steps` in version 1."""

    rounds: int = 3


def search(config: Any, run: Any) -> Any:
    import heliostat_test_tasks as tasks

    return [[o.unwrap() for o in run.map(tasks.square, range(3))] for _ in range(config.rounds)]


class Steps(MethodConfig):
    """Version 1."""

    steps: int = 3


def rename(config: Any, version: int) -> Any:
    assert version == 1
    return {"rounds": config["steps"]}


OLD = dataclasses.replace(METHODS["ends_badly"], name="grown", config=Steps)
NEW = dataclasses.replace(OLD, config=Renamed, search=search, version=2, migrate=rename)


def registry_with(method: Any) -> Registry:
    registry = Registry()
    registry.register(SimpleNamespace(heliostat_methods=hookimpl(lambda: [method])), "mine")
    return registry


def test_a_run_of_an_older_version_goes_on_with_its_configuration_carried_over(
    tmp_path: Path,
) -> None:
    execution = Execution(workers=0, runs=tmp_path, cache_dir=tmp_path / "cache")
    with pytest.raises(KeyError):
        start(OLD, values={"steps": 2}, execution=execution, plugins=registry_with(OLD))
    folder = find("last", tmp_path)
    with pytest.raises(IdentityChanged, match="--allow-code-change"):
        resume(folder, execution=execution, plugins=registry_with(NEW))
    assert RunView(folder).config == {"steps": 2}
    for allowed in (True, False):  # the second resume finds the new version
        account = resume(
            folder,
            allow_code_change=allowed,
            execution=execution,
            plugins=registry_with(NEW),
        )
        assert account["result"] == [[0, 1, 4]] * 2
        assert RunView(folder).config == {"rounds": 2}
        assert read_run_file(folder.config).version == 2
    kinds = [kind for _, kind, _ in RunView(folder).events()]
    assert (kinds.count("migrated"), kinds.count("code_changed")) == (1, 1)


def test_a_run_of_a_newer_or_lost_version_is_refused(tmp_path: Path) -> None:
    execution = Execution(workers=0, runs=tmp_path, cache_dir=tmp_path / "cache")
    start(NEW, execution=execution, plugins=registry_with(NEW))
    folder = find("last", tmp_path)
    stuck = dataclasses.replace(NEW, version=3, migrate=None)
    for method in (OLD, stuck):
        with pytest.raises(IdentityChanged, match="the version of method grown"):
            resume(folder, execution=execution, plugins=registry_with(method))


def test_a_file_of_an_older_version_is_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text('method = "grown"\nversion = 1\n[config]\nsteps = 7\n')
    assert current_values(NEW, read_run_file(path), str(path)) == {"rounds": 7}
    path.write_text('method = "grown"\nversion = 9\n[config]\nsteps = 7\n')
    with pytest.raises(ConfigError, match=r"version = 9: expected a version that method grown"):
        current_values(NEW, read_run_file(path), str(path))


@pytest.mark.parametrize(
    ("migrate", "said"),
    [
        (lambda config, version: config["gone"], "migrate failed .* KeyError: 'gone'"),
        (lambda config, version: None, "migrate returned a NoneType, expected a mapping"),
    ],
)
def test_a_migrate_that_fails_is_the_plugin_s_error(migrate: Any, said: str) -> None:
    method = dataclasses.replace(NEW, migrate=migrate)
    with pytest.raises(PluginError, match=said):
        migrated(method, {"steps": 3}, 1)
