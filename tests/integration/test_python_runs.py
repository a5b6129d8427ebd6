"""Runs from Python are those of the command line: engine, folder, digest, and what can be read."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcess
from pydantic import Field

import heliostat
from heliostat import EXTENDABLE, MethodConfig, MethodSpec
from heliostat.errors import (
    ConfigError,
    IdentityChanged,
    MisuseError,
    PluginError,
    RunNotFound,
    StoreError,
    TaskError,
    UnknownMethod,
)
from heliostat.plugins.registry import registry
from heliostat.python import edited

QUIET: Any = {"workers": "serial", "progress": False}
UNTYPED: Any = heliostat
"""For calls that a type checker would refuse."""


@pytest.fixture(autouse=True)
def runs(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of runs of this test, which the command `here` has as well."""
    for name, text in (
        ("HELIOSTAT_LOAD", here.load),
        ("HELIOSTAT_PLUGINS", "none"),
        ("HELIOSTAT_RUNS", str(here.runs)),
    ):
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(here.folder)
    registry.cache_clear()
    yield here.runs
    registry.cache_clear()


def test_a_run_has_the_digest_and_the_files_of_the_command(here: InProcess, runs: Path) -> None:
    account = here.json("run", "group_means", "--preset", "smoke", "--seed", "3", "-o", "pull=2",
                        "--workers", "serial")  # fmt: skip
    run = heliostat.run("group_means", preset="smoke", seed=3, pull=2, report=True, **QUIET)
    assert run.digest == account["digest"] != None  # noqa: E711  # both are there
    by_command = runs / account["run"]
    assert {path.name for path in run.folder.iterdir()} == {p.name for p in by_command.iterdir()}
    assert (run.folder / "config.toml").read_text() == (by_command / "config.toml").read_text()
    shown = here.json("show", run.id)
    assert shown["command"] == "heliostat.run('group_means', preset='smoke', seed=3, pull=2)"
    assert here("verify", run.id).returncode == 0


def test_a_handle_has_what_the_run_came_to() -> None:
    run = heliostat.run("group_means", preset="smoke", seed=1, name="first", note="a try",
                        tags={"paper": "42"}, **QUIET)  # fmt: skip
    assert (run.state, run.method, run.seed, run.config["rounds"]) == (
        "finished", "group_means", 1, 4,
    )  # fmt: skip
    outcomes = list(run.outcomes())
    assert [outcome.key for outcome in outcomes[:2]] == [(0, 0), (0, 1)]
    assert outcomes[0].item[0] == 0 and set(outcomes[0].value) == {"theta", "loss"}
    assert all(outcome.failure is None for outcome in outcomes)
    assert len(run.metrics()["loss"]) == 4
    assert [(product.name, product.kind) for product in run.products()] == [("center", "value")]
    np.testing.assert_array_equal(run.product("center"), run.result["theta"])
    assert run.report().read_text().startswith("<!DOCTYPE html>")
    assert "starting" in [event.kind for event in run.events()]
    assert run.row()["best"] == {"loss": run.result["loss"]}
    assert (run.name, run.note, run.tags) == ("first", "a try", {"paper": "42"})
    assert run.log.is_file() and run.labels == [] and run.error == ""
    assert repr(run).startswith(f"RunHandle({run.id}: group_means, seed 1, finished, loss 0.0")


def test_a_notebook_is_shown_a_headline_and_a_picture_without_anything_that_runs() -> None:
    run = heliostat.run("group_means", preset="smoke", name="n", **QUIET)
    shown = run._repr_html_()
    assert "<strong>group_means</strong>: loss 0.0" in shown
    assert shown.count('src="data:image/svg+xml;base64,') == 1
    assert "<script" not in shown and "http" not in shown
    assert f"<td>{run.id}</td>" in heliostat.runs()._repr_html_()


def test_runs_are_found_and_filtered(here: InProcess) -> None:
    first = heliostat.run("group_means", preset="smoke", seed=1, name="one", **QUIET)
    second = heliostat.run("group_means", preset="smoke", seed=2, tags={"k": "v"}, **QUIET)
    third = heliostat.run("count", **QUIET)
    assert heliostat.open("last") == third
    assert (
        heliostat.open("one") == heliostat.open(first.id) == heliostat.open(first.folder) == first
    )
    assert list(heliostat.runs()) == [third, second, first]
    assert list(heliostat.runs(method="group_means", limit=1)) == [second]
    assert list(heliostat.runs(tags={"k": None})) == [second] and not heliostat.runs(
        tags={"k": "x"}
    )
    assert list(heliostat.runs(seed=1)) == [first] and list(heliostat.runs(state="failed")) == []
    assert heliostat.runs(on="wine") == []
    table = repr(heliostat.runs())
    assert [line.split()[0] for line in table.splitlines()] == [
        "run", third.id, second.id, first.id,
    ]  # fmt: skip
    assert max(map(len, table.splitlines())) <= 80
    (third.folder / "run.db").write_bytes(b"no database")
    assert [row["state"] for row in heliostat.runs().rows].count("damaged") == 1
    assert "damaged" in repr(heliostat.runs()) and third.id in repr(third)
    with pytest.raises(ConfigError, match="did you mean 'finished'"):
        heliostat.runs(state="finishd")
    with pytest.raises(RunNotFound):
        heliostat.open("nothing")


def test_a_configuration_comes_as_fields_mapping_file_or_all_of_them(here: InProcess) -> None:
    file = here.folder / "job.toml"
    file.write_text('method = "reads_table"\nseed = 5\n[config]\nrate = 0.2\nsection.width = 5\n')
    run = heliostat.run("reads_table", config=file, section={"name": "other"}, **QUIET)
    assert run.seed == 5 and run.config["rate"] == 0.2
    assert run.config["section"] == {"name": "other", "width": 5}
    again = heliostat.run("reads_table", seed=5, config={"rate": np.float64(0.2)}, **QUIET,
                          section={"width": np.int64(5), "name": "other"})  # fmt: skip
    assert again.config == run.config and again.digest == run.digest
    assert heliostat.run(str(run.folder / "config.toml"), **QUIET).digest == run.digest
    with pytest.raises(ConfigError, match="a file of method count, not reads_table"):
        heliostat.run("count", config=file, **QUIET)


@pytest.mark.parametrize(
    ("error", "said", "call"),
    [
        (UnknownMethod, "did you mean 'group_means'", {"method": "group_maens"}),
        (ConfigError, "runds = 1: expected a known field; did you mean 'rounds'", {"runds": 1}),
        (ConfigError, "preset = 'smok'.*did you mean 'smoke'", {"preset": "smok"}),
        (ConfigError, "^workers = 0: expected a positive number", {"workers": 0}),
        (ConfigError, "^workers = True", {"workers": True}),
        (ConfigError, "^seed = -1", {"seed": -1}),
        (ConfigError, "^name = 'last'", {"name": "last"}),
        (ConfigError, "^tag = 'a b'", {"tags": {"a b": "c"}}),
        (ConfigError, "^numerics = 'portabel'.*did you mean", {"numerics": "portabel"}),
        (ConfigError, "^min_nodes = 2", {"min_nodes": 2}),
        (ConfigError, "^seed = 1.5: expected a non-negative integer", {"seed": 1.5}),
        (ConfigError, "^seed = '1'", {"seed": "1"}),
        (ConfigError, "^seed = True", {"seed": True}),
        (ConfigError, "^lookahead = 'a': expected a positive integer", {"lookahead": "a"}),
        (ConfigError, "^workers = '2'", {"workers": "2"}),
        (ConfigError, "^wait = 'abc': expected zero or more seconds", {"wait": "abc"}),
        (ConfigError, "^wait = 1000", {"wait": 10**400}),
        (ConfigError, "^min_nodes = 1.5", {"min_nodes": 1.5}),
        (ConfigError, "^runs = 3: expected a folder of runs", {"runs": 3}),
        (ConfigError, "^runs = .*expected a folder of runs", {"runs": "a\0"}),
        (ConfigError, "^report = 'no': expected True or False", {"report": "no"}),
        (ConfigError, "^preset = 3: expected a text", {"preset": 3}),
        (ConfigError, "^note = 3: expected a text", {"note": 3}),
        (ConfigError, "^note = .*expected a text without NUL", {"note": "a\0b"}),
        (ConfigError, "^note = .*expected a text without NUL", {"note": "a\udc80"}),
        (ConfigError, "^tag a = .*expected a text without NUL", {"tags": {"a": "\ud800"}}),
        (ConfigError, "^tags = 'x': expected a mapping of texts", {"tags": "x"}),
        (ConfigError, r"^tags\['a'\] = None: expected a text", {"tags": {"a": None}}),
        (ConfigError, "^tags = 3: expected texts", {"tags": {3: "a"}}),
        (ConfigError, "^pull = 'a generator': expected a list", {"pull": (i for i in "a")}),
        (ConfigError, "^config = 'int'", {"config": 3}),
        (ConfigError, "^file = 'no.toml'", {"config": "no.toml"}),
    ],
)
def test_a_mistake_is_told_before_any_work(
    error: type[Exception], said: str, call: dict[str, Any], runs: Path
) -> None:
    method = call.pop("method", "group_means")
    with pytest.raises(error, match=said):
        heliostat.run(method, **{**QUIET, **call})
    assert not list(runs.glob("[0-9]*"))


def test_numbers_of_numpy_are_numbers() -> None:
    usual = UNTYPED.run("count", rounds=1, seed=3, lookahead=2, **QUIET)
    same = UNTYPED.run("count", rounds=1, seed=np.int64(3), lookahead=np.int32(2), **QUIET,
                         wait=np.float32(0), report=np.bool_(False))  # fmt: skip
    assert (same.digest, same.seed) == (usual.digest, 3)
    assert UNTYPED.runs(seed=np.int64(3), limit=np.int8(1)) == [same]
    grown = UNTYPED.resume(same, rounds=np.int64(2), **QUIET)
    assert grown.config["rounds"] == 2
    with pytest.raises(ConfigError, match=r"^rounds = <object.*: expected numbers, texts"):
        UNTYPED.resume(same, rounds=object(), **QUIET)


def test_the_other_calls_check_their_arguments(runs: Path) -> None:
    calls: list[tuple[str, Any]] = [
        (r"^tags = \['k'\]: expected a mapping", lambda: UNTYPED.runs(tags=["k"])),
        ("^limit = 'a': expected zero or more runs", lambda: UNTYPED.runs(limit="a")),
        ("^seed = 1.5", lambda: UNTYPED.runs(seed=1.5)),
        ("^runs = 3", lambda: UNTYPED.open("last", runs=3)),
        (
            "^space = 'no.toml': expected a mapping",
            lambda: UNTYPED.tune("count", space="no.toml"),
        ),
        ("^trials = 0", lambda: UNTYPED.tune("count", space={}, trials=0)),
        ("^parallel = 1.5", lambda: UNTYPED.tune("count", space={}, parallel=1.5)),
        ("^objectives = 3", lambda: UNTYPED.tune("count", space={}, objectives=3)),
        ("^method = 'keeps': expected it once", lambda: UNTYPED.run("tune", method="keeps")),
        ("^retry = 3: expected a text", lambda: UNTYPED.resume("last", retry=3)),
        ("^wait = None", lambda: UNTYPED.resume("last", wait=None)),
    ]
    for said, call in calls:
        with pytest.raises(ConfigError, match=said):
            call()
    assert not runs.exists() or not list(runs.glob("[0-9]*"))


def test_an_option_that_is_called_like_a_field_is_never_taken_for_it(runs: Path) -> None:
    refused = r"^name = 'x': expected one meaning.*a field of keeps.*config={'name': \.\.\.}"
    with pytest.raises(ConfigError, match=refused):
        heliostat.run("keeps", name="x", **QUIET)
    assert not list(runs.glob("[0-9]*"))
    both = heliostat.run("keeps", name="x", config={"name": "field"}, **QUIET)
    assert (both.name, both.config["name"]) == ("x", "field")
    with pytest.raises(ConfigError, match=r"^name = 't': expected one meaning"):
        heliostat.tune("yield_and_cost", space={"width": {"low": 1, "high": 2}}, name="t", **QUIET)


class WaitingConfig(MethodConfig):
    """A field that may grow and is called like an option of `run` and `resume`."""

    wait: int = Field(2, ge=0, description="rounds", json_schema_extra=EXTENDABLE)


class Waits:
    """A plugin whose method has such a field."""

    @heliostat.hookimpl
    def heliostat_methods(self) -> list[MethodSpec]:
        def search(config: Any, run: Any) -> list[int]:
            return list(range(config.wait))

        return [MethodSpec("waits", "waits", "none", WaitingConfig, search)]


def test_a_run_grows_a_field_that_is_called_like_an_option() -> None:
    registry().register(Waits(), "waits")
    refused = r"^wait = 3.0: expected one meaning.*config={'wait': \.\.\.}"
    with pytest.raises(ConfigError, match=refused):
        heliostat.run("waits", wait=3, **QUIET)
    run = heliostat.run("waits", wait=0, config={"wait": 3}, **QUIET)
    assert run.result == [0, 1, 2]
    with pytest.raises(ConfigError, match=r"^wait = 4.0: expected one meaning"):
        heliostat.resume(run, wait=4, **QUIET)
    with pytest.raises(ConfigError, match=r"^config = 3: expected a mapping"):
        heliostat.resume(run, **{**QUIET, "config": 3})
    assert heliostat.resume(run, config={"wait": 4}, **QUIET).result == [0, 1, 2, 3]


def test_an_error_of_the_search_names_the_run_that_has_what_was_done() -> None:
    with pytest.raises(KeyError) as caught:
        heliostat.run("ends_badly", **QUIET)
    (run,) = heliostat.runs(state="failed")
    assert caught.value.__notes__ == [f"what was done is kept in run {run.id}, {run.folder}"]
    assert run.result is None and run.digest is None and "a mistake" in run.error
    assert heliostat.run("keeps", **QUIET).state == "finished"  # the next one is not in its way
    with pytest.raises(StoreError, match="has no product 'widht'; did you mean 'width'"):
        heliostat.open("last").product("widht")


def test_a_run_grows_and_goes_on_as_the_command_has_it(here: InProcess) -> None:
    run = heliostat.run("count", rounds=2, **QUIET)
    whole = here.json("run", "count", "-o", "rounds=4", "--workers", "serial", "--no-report")
    grown = heliostat.resume(run, rounds=4, **QUIET)
    assert grown == run and run.digest == whole["digest"] and len(run.result) == 4
    assert heliostat.resume(run.id, **QUIET).digest == whole["digest"]
    with pytest.raises(IdentityChanged):
        heliostat.resume(run, items=9, **QUIET)
    with pytest.raises(ConfigError, match=r"^retry = 'Dedline'.*did you mean 'Deadline'"):
        heliostat.resume(run, retry="Dedline", **QUIET)


def test_a_tuning_has_the_digest_of_the_command(here: InProcess) -> None:
    space = here.folder / "space.toml"
    space.write_text("width = {low = 1, high = 20}\n")
    account = here.json("tune", "yield_and_cost", "--space", str(space), "--trials", "4",
                        "--objective", "cost", "-o", "name=x", "--workers", "serial",
                        "--no-report")  # fmt: skip
    run = heliostat.tune("yield_and_cost", space={"width": {"low": 1, "high": 20}}, trials=4,
                         objectives="cost", name="t", config={"name": "x"}, **QUIET)  # fmt: skip
    assert run.digest == account["digest"] and run.name == "t"
    assert len(run.result["trials"]) == 4
    with pytest.raises(ConfigError, match="another method than tune"):
        heliostat.tune("tune", space={}, **QUIET)


def test_a_run_may_be_driven_by_another_thread_and_two_at_once_are_refused() -> None:
    usual = heliostat.run("count", rounds=1, **QUIET)
    found: list[Any] = []

    def other() -> None:
        found.append(heliostat.run("count", rounds=1, seconds=0.1, **QUIET))

    thread = threading.Thread(target=other)
    thread.start()
    for _ in range(1000):
        if heliostat.runs(state="running"):
            break
        thread.join(0.01)
    handle = heliostat.open("last")
    assert handle.state == "running" and handle.digest is None and handle.result is None
    assert "running" in repr(handle) and "running" in handle._repr_html_()
    with pytest.raises(MisuseError, match="another run goes on in this process"):
        heliostat.run("count", **QUIET)
    with pytest.raises(MisuseError, match="another run goes on in this process"):
        heliostat.resume(usual, **QUIET)
    thread.join()
    assert found[0] == handle and handle.state == "finished"
    assert heliostat.run("count", rounds=1, **QUIET).digest == usual.digest


def starts_another(item: Any, ctx: Any) -> str:
    return heliostat.run("count", **QUIET).id


class Nested:
    """A plugin with methods that start runs where none can start."""

    @heliostat.hookimpl
    def heliostat_methods(self) -> list[MethodSpec]:
        def spec(name: str, search: Any) -> MethodSpec:
            return MethodSpec(name, name, "none", MethodConfig, search)

        return [
            spec("in_search", lambda config, run: starts_another(0, run)),
            spec("in_task", lambda config, run: run.call(starts_another, 0).unwrap()),
        ]


def test_a_run_inside_of_another_is_refused_with_what_to_use() -> None:
    registry().register(Nested(), "nested")
    refused = r"another run goes on in this process.*run\.gather"
    with pytest.raises(MisuseError, match=refused):
        heliostat.run("in_search", **QUIET)
    with pytest.raises(TaskError, match="MisuseError"):
        heliostat.run("in_task", **QUIET)
    (failed,) = [o.failure for o in heliostat.open("last").outcomes() if o.failure is not None]
    assert re.search(refused, failed.message)
    assert heliostat.run("count", rounds=1, **QUIET).state == "finished"


def test_progress_is_that_of_the_command_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    run = heliostat.run("group_means", preset="smoke", workers="serial")
    heard = capsys.readouterr()
    assert heard.out == "" and heard.err.splitlines()[0] == f"run {run.id}"
    assert "step 4/4" in heard.err
    heliostat.run("group_means", preset="smoke", **QUIET)
    assert capsys.readouterr() == ("", "")


def test_threads_of_libraries_are_put_back() -> None:
    from threadpoolctl import ThreadpoolController, threadpool_limits

    def now() -> list[int]:
        return [pool.num_threads for pool in ThreadpoolController().lib_controllers]

    with threadpool_limits(2):
        before = now()
        assert 2 in before
        heliostat.run("group_means", preset="smoke", **QUIET)
        assert now() == before


def test_code_that_was_edited_since_it_was_loaded_starts_no_run(
    monkeypatch: pytest.MonkeyPatch, runs: Path
) -> None:
    heliostat.run("count", rounds=1, **QUIET)
    monkeypatch.setitem(edited._loaded_as, "heliostat_test_methods", "of other text")
    with pytest.raises(PluginError, match=r"heliostat_test_methods was edited.*restart the kern"):
        heliostat.run("count", rounds=1, **QUIET)
    assert len(list(runs.glob("[0-9]*"))) == 1 and not list(runs.glob(".*"))


def test_a_file_that_no_module_of_this_process_is_may_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edited, "_loaded_as", {})
    edited.check_as_loaded({"nowhere/a.py": "1", "heliostat/errors.py": "1"})
    edited.check_as_loaded({"nowhere/a.py": "2", "heliostat/errors.py": "1"})
    with pytest.raises(PluginError, match=r"heliostat/errors\.py was edited"):
        edited.check_as_loaded({"nowhere/a.py": "3", "heliostat/errors.py": "2"})


def test_what_is_offered_is_documented_and_typed() -> None:
    for name in ("run", "resume", "tune", "open", "runs"):
        function = getattr(heliostat, name)
        assert name in heliostat.__all__ and name in dir(heliostat)
        assert (inspect.getdoc(function) or "").count("\n") >= 2
        assert inspect.signature(function).return_annotation in ("RunHandle", "RunList")
