"""A stranger's endless message is cut where people read it, and only there."""

from __future__ import annotations

from in_process import InProcess

from heliostat.cli.long_text import LONGEST, shortened

LENGTH = 100_000


def test_a_text_that_fits_stays_as_it_is() -> None:
    text = "a" * LONGEST
    assert shortened(text, "command") == text


def test_the_middle_of_a_long_text_is_left_out() -> None:
    text = "begin" + "x" * LENGTH + "end"
    first, told, last = shortened(text, "heliostat show a 0").split("\n")
    assert first.startswith("begin") and last.endswith("end")
    assert len(first) + len(last) == LONGEST
    assert told == "... 98,008 characters left out; whole: heliostat show a 0 ..."


def test_a_failure_of_many_characters_is_no_wall(here: InProcess) -> None:
    (here.folder / "wordy.py").write_text(METHOD)
    more = InProcess(here.folder, "./wordy.py")
    done = more("run", "wordy", "--workers", "serial", "--no-report")
    assert done.returncode == 4
    assert "xxx" in done.stderr and "heliostat show" in done.stderr
    (run,) = (path.name for path in more.runs.iterdir())
    for shown in (done, more("show", run), more("watch", run, "--once"), more("ls")):
        assert len(shown.stdout + shown.stderr) < 2 * LONGEST
    assert len(more("log", run).stdout) < 10_000
    assert more("show", run, "0").stdout.count("x") > LENGTH
    assert more.json("show", run)["error"].count("x") > LENGTH


METHOD = f"""
from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl, task


class Wordy(MethodConfig):
    pass


@task("wordy.fails")
def fails(item: int, ctx: TaskContext) -> int:
    raise ValueError("x" * {LENGTH})


def search(config: Wordy, run: Run) -> int:
    return run.call(fails, 1).unwrap()


@hookimpl
def heliostat_methods():
    return [
        MethodSpec(
            name="wordy", summary="says much", paper="none", config=Wordy, search=search
        )
    ]
"""
