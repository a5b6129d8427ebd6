"""Output: escaped at its sink, an error of storage where it is lost, never the end of a run."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from heliostat.cli.progress import LiveProgress, PlainProgress
from heliostat.terminal import say

HOSTILE = "a\x1b[2J\nb\x9bc\rd"
SHOWN = r"a\x1b[2J\nb\x9bc\rd"


def piped(cli: Any, shell: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which HELIOSTAT is the command."""
    line = shell.replace("HELIOSTAT", " ".join(cli.command()))
    return subprocess.run(
        ["bash", "-c", line], cwd=cli.folder, env=cli.environment, text=True, capture_output=True
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("verb", ["--help", "ls --json", "run everything --workers serial"])
def test_output_that_is_lost_is_a_storage_error(cli: Any, verb: str) -> None:
    done = piped(cli, f"HELIOSTAT {verb} > /dev/full")
    assert done.returncode == 5
    assert done.stderr.endswith(
        "error: standard output cannot be written: No space left on device\n"
    )
    if verb.startswith("run"):
        assert [run["state"] for run in cli.here.json("ls")] == ["finished"]


def test_a_reader_that_has_enough_ends_no_run(cli: Any) -> None:
    done = piped(cli, "set -o pipefail; HELIOSTAT run count --workers serial 2>&1 | head -1")
    assert done.returncode == 0
    assert [run["state"] for run in cli.here.json("ls")] == ["finished"]


def test_all_text_is_escaped_at_the_sink(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE, err=True)
    assert capsys.readouterr().err == f"{SHOWN}\n"


@pytest.mark.parametrize("display", [PlainProgress, LiveProgress])
def test_progress_escapes_metrics_and_messages(
    display: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import heliostat_test_methods

    progress = display(heliostat_test_methods.METHODS["count"])
    progress.on_event("observer", HOSTILE)
    progress.on_report((), 1, 1, None, {HOSTILE: 1.0})
    progress.end()
    said = capsys.readouterr().err
    assert "\x1b[2J" not in said
    assert "\x9b" not in said
    assert "\r" not in said.replace("\r\n", "\n")
    assert said.replace("\n", "").count(r"\x1b[2J") == 2


def test_a_traceback_is_escaped(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from heliostat.store import folder

    def fails(*given: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr(folder, "folders", fails)
    done = here("--debug", "ls")
    assert "Traceback" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("group", [(), ("config",), ("cluster",)])
def test_no_arguments_show_the_help(here: Any, group: tuple[str, ...]) -> None:
    done = here(*group)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Commands:" in done.stdout
