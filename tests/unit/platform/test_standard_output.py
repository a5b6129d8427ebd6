"""Standard output with `--json`: one JSON value, whatever strangers write to its descriptor."""

from __future__ import annotations

import json
import os
from typing import Any

from broken_plugins import METHOD

WRITES = """
import atexit, logging, os, sys
from heliostat import hookimpl

def write(when):
    os.write(1, f"{when} to descriptor 1\\n".encode())
    handler.emit(logging.makeLogRecord({"msg": f"{when} to a handler"}))
    print(f"{when} printed", file=sys.__stdout__)
    os.system(f"echo {when} by a child")

handler = logging.StreamHandler(sys.__stdout__)
write("import")
atexit.register(write, "exit")

@hookimpl
def heliostat_run_started():
    write("run")
"""
WAYS = ("to descriptor 1", "to a handler", "printed", "by a child")


def load(cli: Any) -> None:
    (cli.folder / "writing.py").write_text(WRITES)
    (cli.folder / "small.py").write_text(METHOD.format(name="small"))
    cli.environment["HELIOSTAT_LOAD"] = "writing,small"
    cli.environment["PYTHONPATH"] = os.pathsep.join([str(cli.folder), os.environ["PYTHONPATH"]])


def test_the_json_of_a_run_is_all_that_is_on_standard_output(cli: Any) -> None:
    load(cli)
    done = cli("run", "small", "--workers", "serial", "--json")
    assert json.loads(done.stdout)["result"] == 1
    for when in ("import", "run", "exit"):
        for way in WAYS:
            assert f"{when} {way}" in done.stderr


def test_the_json_of_a_list_is_one_line_on_a_pipe(cli: Any) -> None:
    load(cli)
    done = cli("plugins", "--json")
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)


def test_what_an_import_writes_is_apart_from_text_as_well(cli: Any) -> None:
    load(cli)
    done = cli("methods")
    assert "small " in done.stdout
    assert "import" not in done.stdout
    assert all(f"import {way}" in done.stderr for way in WAYS)


def test_standard_output_is_as_before_after_a_command_in_this_process(python: Any) -> None:
    done = python(
        "-c",
        "import os, sys\nfrom heliostat.cli.main import run\nbefore = sys.stdout\n"
        "run(['methods', '--json'])\nos.write(1, b'one\\n')\n"
        "print('two', sys.stdout is before)",
    )
    first, *others = done.stdout.splitlines()
    assert json.loads(first)
    assert others == ["one", "two True"]
