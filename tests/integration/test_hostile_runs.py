"""A run folder may come from anywhere: what it says is checked, and none of it is obeyed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from in_process import Ended, InProcess
from journal_rows import execute, execute_unchecked

GOOD = "20200101-000000-checkpointed-good"
BAD = "20200101-000001-checkpointed-odd"
ESCAPE = "\x1b]0;obeyed\x07\x1b[2J"
CODE = '__import__("pathlib").Path("pwned").touch()'
Change = Callable[[Path], object]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made once."""
    folder = tmp_path_factory.mktemp("made")
    cli = InProcess(folder)
    assert cli("run", "checkpointed", "--workers", "serial", "-o", "rounds=2").returncode == 0
    (run,) = cli.runs.iterdir()
    return run


@pytest.fixture
def cli(tmp_path: Path, made: Path) -> InProcess:
    """The command line, with two copies of the run: one stays as it is."""
    cli = InProcess(tmp_path)
    for name in (GOOD, BAD):
        shutil.copytree(made, cli.runs / name)
    return cli


def sql(query: str, *values: object) -> Change:
    return lambda run: execute(run, query, *values, forged=True)


def unchecked(query: str, *values: object) -> Change:
    """Change what only a file that lies about its types can hold."""
    return lambda run: execute_unchecked(run, query, *values)


def record(text: str) -> Change:
    return sql("update run set record = ?", text)


def field(name: str, value: object) -> Change:
    """Put something in place of a field of the run's record."""

    def change(run: Path) -> None:
        database = sqlite3.connect(run / "run.db")
        ((text,),) = database.execute("select record from run")
        database.close()
        record(json.dumps({**json.loads(text), name: value}))(run)

    return change


def result(value: object) -> Change:
    return field("result", value if isinstance(value, str) else json.dumps(value))


def instance(name: object, fields: object = None) -> Change:
    return result({"$object": [name, fields or {}]})


def fifo(name: str) -> Change:
    def change(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)

    return change


COMMANDS = [
    ["show", BAD],
    ["show", BAD, "--json"],
    ["show", BAD, "0.0"],
    ["report", BAD],
    ["export", BAD],
    ["export", BAD, "--csv"],
    ["verify", BAD],
    ["compare", BAD, GOOD],
    ["resume", BAD, "--workers", "serial"],
]

DAMAGED: dict[str, tuple[Change, str]] = {
    "a seed of letters": (field("seed", "abc"), "record, seed"),
    "a time of letters": (field("created", "abc"), "record, created"),
    "an endless time": (field("created", float("inf")), "record, created"),
    "a configuration that is a list": (field("config", [1]), "record, config"),
    "labels that are a number": (field("labels", 3), "record, labels"),
    "an environment that is a list": (field("environment", []), "record, environment"),
    "a CPU that is a list": (field("environment", {"cpu": []}), "record, environment"),
    "an account of nothing": (field("last_start", None), "record, last_start"),
    "an unknown state": (field("state", ESCAPE), "record, state"),
    "starts of letters": (field("starts", "x"), "record, starts"),
    "packages of a number": (field("packages", 3), "record, packages"),
    "a package within others": (field("packages", ["this.that"]), "record, packages"),
    "plugins without a name": (field("plugins", [{}]), "record, plugins"),
    "half a record": (record("{"), "table run, record"),
    "a record of nothing": (record("null"), "table run, record"),
    "a record without a method": (record('{"config": {}}'), "record, method"),
    "a deep record": (record("[" * 100_000), "table run, record"),
    "a deep configuration": (record('{"config":' + "[" * 100_000), "table run, record"),
    "bytes in the record": (unchecked("update run set record = x'ff00'"), "run.record"),
    "no record": (sql("delete from run"), "table run"),
    "a schema of the future": (sql("pragma user_version = 99"), "newer Heliostat (schema 99"),
    "a number in place of a schema": (sql("pragma user_version = -1"), ""),
    "text in place of a key": (
        unchecked("update outcome set key = 'abc' where key = (select key from outcome limit 1)"),
        "outcome.key",
    ),
    "two bytes in place of a key": (
        sql("update outcome set key = x'0102' where key = (select key from outcome limit 1)"),
        "outcome, column key",
    ),
    "no bytes in place of a key": (
        sql("update outcome set key = x'' where key = (select key from outcome limit 1)"),
        "",
    ),
    "items that are blobs": (unchecked("update outcome set item = x'80'"), "outcome.item"),
    "items of no JSON": (sql("update outcome set item = '{'"), "outcome, column item"),
    "values that are blobs": (
        unchecked("update outcome set value = x'80'"),
        "outcome.value",
    ),
    "values of no JSON": (sql("update outcome set value = '{'"), ""),
    "shared data of letters": (sql("update outcome set shared = 'z'"), "outcome, column shared"),
    "failures of letters": (sql("update outcome set failure = 'z'"), "outcome, column failure"),
    "a failure with more fields": (
        sql("update outcome set failure = ?", '{"kind": "a", "message": "b", "more": 1}'),
        "outcome, column failure",
    ),
    "seconds of letters": (
        unchecked("update outcome set seconds = 'x'"),
        "outcome.seconds",
    ),
    "text that is no UTF-8": (
        lambda run: execute(run, "update outcome set worker = cast(x'ff' as text)"),
        "table outcome, row 0.0",
    ),
    "times of letters": (unchecked("update event set time = 'x'"), ""),
    "a deep result": (result("[" * 100_000), "its result"),
    "a rather deep result": (result('{"$tuple":[' * 250 + "]}" * 250), ""),
    "a result of other fields": (
        instance("heliostat.values.outcome:Outcome", {"a": 1}),
        "its result",
    ),
    "a class that is a number": (instance(5), "its result"),
    "an array of objects": (result({"$array": ["|O", [1], "AAAAAAAAAAA="]}), "its result"),
    "an array of no dtype": (result({"$array": ["nonsense", [1], ""]}), "its result"),
    "a huge array": (result({"$array": ["|V1000000000000", [10**9], ""]}), "its result"),
    "a scalar of no bytes": (result({"$scalar": ["<f8", ""]}), "its result"),
    "a tensor of a number": (result({"$tensor": 3}), "its result"),
    "a float of letters": (result({"$float": "x"}), "its result"),
    "a key that is a list": (result({"$map": [[[1], 2]]}), "its result"),
    "an unknown tag": (result({"$new": 1}), "its result"),
    "no outcomes": (sql("drop table outcome"), "no such table"),
    "a trigger": (
        sql("create trigger t after insert on run begin delete from outcome; end"),
        "trigger t",
    ),
    "a view": (sql("create view v as select 1"), "view v"),
    "another table": (sql("create table more (x)"), "table more"),
    "a table that is not strict": (
        lambda run: [sql("drop table call")(run), sql("create table call (key, delivered)")(run)],
        "table call",
    ),
    "no database": (lambda run: (run / "run.db").write_bytes(b"\x80\x04K\x01." * 99), "cannot"),
    "an empty database": (lambda run: (run / "run.db").write_bytes(b""), ""),
    "no artifacts": (lambda run: shutil.rmtree(run / "artifacts"), ""),
    "a FIFO as configuration": (fifo("config.toml"), "is a FIFO"),
    "a FIFO as lock": (fifo("lock"), "is a FIFO"),
    "a FIFO as report": (fifo("report.html"), "is a FIFO"),
}


def in_few_words(done: Ended) -> bool:
    """Whether a command ended by itself, or refused in words that a person can use."""
    said = done.stderr
    return done.returncode in (0, 2, 3, 4, 5) and not (
        "Traceback" in said or "unexpected error" in said or len(said) > 2000
    )


@pytest.mark.parametrize(("change", "named"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_run_is_refused_by_place_and_hides_no_other(
    cli: InProcess, change: Change, named: str
) -> None:
    change(cli.runs / BAD)
    rows = cli.json("ls")
    assert {row["run"] for row in rows} == {GOOD, BAD}
    assert [row["state"] for row in rows if row["run"] == GOOD] == ["finished"]
    assert cli("show", "last").returncode in (0, 5)
    said = ""
    for command in COMMANDS:
        done = cli(*command)
        assert in_few_words(done), (command, done)
        said += done.stderr
    assert named in said
    if named:
        assert BAD in said


# Links


def linked(name: str) -> Change:
    """Put a link to a file of the user's in place of an entry of the run folder."""

    def change(run: Path) -> None:
        place = run / name
        place.unlink(missing_ok=True)
        place.symlink_to(run.parent.parent / "precious")

    return change


def linked_folder(name: str) -> Change:
    def change(run: Path) -> None:
        shutil.rmtree(run / name)
        (run.parent.parent / "elsewhere").mkdir()
        (run / name).symlink_to(run.parent.parent / "elsewhere")

    return change


LINKS: dict[str, Change] = {
    name: linked(name)
    for name in ("report.part", "report.html", "lock", "log.jsonl", "config.toml")
}
LINKS["artifacts"] = linked_folder("artifacts")


@pytest.mark.parametrize("change", LINKS.values(), ids=LINKS)
def test_a_link_in_a_run_folder_overwrites_nothing(cli: InProcess, change: Change) -> None:
    (cli.folder / "precious").write_text("precious")
    change(cli.runs / BAD)
    for command in COMMANDS:
        done = cli(*command)
        assert done.returncode == 5, command
        assert "is a link" in done.stderr
    assert (cli.folder / "precious").read_text() == "precious"
    assert list((cli.folder / "elsewhere").glob("*")) == []


def test_a_run_folder_may_be_reached_through_a_link(cli: InProcess) -> None:
    (cli.folder / "shortcut").symlink_to(cli.runs / GOOD)
    for verb in (["show"], ["report"], ["verify"], ["resume", "--workers", "serial"]):
        assert cli(verb[0], "shortcut", *verb[1:]).returncode == 0


# Code


@pytest.mark.parametrize(
    "function",
    [
        "cProfile:run",
        "os:system",
        "builtins:eval",
        "shutil:rmtree",
        "heliostat_test_methods:os",
        "heliostat_test_tasks:math",
        "heliostat.cli.main:run",
        "heliostat.nowhere:task",
        "heliostat_kit.scaffold.__main__:x",
        "numpy:save",
        "",
        "a:b:c",
        "..x:y",
    ],
)
def test_verify_calls_nothing_but_tasks_of_the_run_s_method(cli: InProcess, function: str) -> None:
    sql("update outcome set function = ?, item = ?", function, json.dumps(CODE))(cli.runs / BAD)
    field("digest", None)(cli.runs / BAD)
    done = cli("verify", BAD)
    assert done.returncode == 5
    assert "nothing was evaluated" in done.stderr
    assert repr(function) in done.stderr
    assert BAD in done.stderr
    assert list(cli.folder.rglob("pwned")) == []


def test_resume_calls_no_function_that_the_journal_names(cli: InProcess) -> None:
    sql("update outcome set function = 'cProfile:run', item = ?", json.dumps(CODE))(cli.runs / BAD)
    sql("delete from checkpoint")(cli.runs / BAD)
    done = cli("resume", BAD, "--workers", "serial")
    assert done.returncode == 5
    assert "resume asked for another function" in done.stderr
    assert list(cli.folder.rglob("pwned")) == []


@pytest.mark.parametrize(
    "name",
    [
        "numpy.f2py.__main__:x",
        "asyncio.__main__:x",
        "__main__:x",
        "this:s",
        "json.tool:x",
        "heliostat_methods._private:x",
    ],
)
def test_a_stored_class_imports_no_program(cli: InProcess, name: str) -> None:
    import sys

    before = {*sys.modules}
    instance(name)(cli.runs / BAD)
    done = cli("show", BAD)
    assert done.returncode == 5
    assert name in done.stderr
    assert name.partition(":")[0] not in {*sys.modules} - before


def test_a_stored_class_is_one_that_somebody_has_named(cli: InProcess) -> None:
    # `heliostat.store.view` defines RunView, and nothing is called so in stored text
    instance("heliostat.store.view:RunView", {"folder": 1})(cli.runs / BAD)
    assert "a type that nothing here registers" in cli("show", BAD).stderr


# A terminal


def test_a_terminal_is_shown_what_a_run_says_and_obeys_none_of_it(cli: InProcess) -> None:
    run = cli.runs / BAD
    for name in ("command", "digest", "error"):
        field(name, ESCAPE)(run)
    field("labels", [ESCAPE])(run)
    field("rows", {})(run)
    sql("insert into product values (?, x'', ?, ?, 1, ?, x'')", ESCAPE, ESCAPE, "a" * 64, ESCAPE)(
        run
    )
    sql("update outcome set failure = ?", json.dumps({"kind": ESCAPE, "message": ESCAPE}))(run)
    sql("update outcome set worker = ?", ESCAPE)(run)
    for command in [["ls"], *COMMANDS[:-1], ["export", BAD, "--product", ESCAPE]]:
        done = cli(*command)
        assert "\x1b" not in done.stdout + done.stderr, command
        assert "\x07" not in done.stdout + done.stderr, command
    assert r"\x1b]0;obeyed\x07" in cli("show", BAD).stdout


def test_the_error_of_a_task_reaches_a_terminal_as_text(cli: InProcess) -> None:
    from heliostat.errors import TaskError

    assert str(TaskError((1,), ESCAPE, "first\nsecond")).endswith("first\nsecond")
    assert "\x1b" not in str(TaskError((1,), "ValueError", ESCAPE))


# What there is to verify


def test_of_a_killed_run_everything_journaled_is_verified(cli: InProcess) -> None:
    run = cli.runs / BAD
    field("state", "running")(run)
    sql("delete from call")(run)
    done = cli("verify", BAD)
    assert done.returncode == 0
    assert done.stdout.startswith("8 of 8 outcomes are equal")
    assert "journaled so far" in done.stdout


def test_a_run_without_outcomes_has_nothing_to_verify(cli: InProcess) -> None:
    run = cli.runs / BAD
    field("state", "interrupted")(run)
    sql("delete from outcome")(run)
    account: Any = cli.json("verify", BAD)
    assert (account["checked"], account["of"]) == (0, 0)
    assert "nothing to verify" in cli("verify", BAD).stdout
