"""The observers of one file in `examples`: what they send, and that they change nothing."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from in_process import InProcess

COUNT = ("run", "count", "-o", "rounds=2", "--workers", "serial", "--no-report")
BAD = ("run", "ends_badly", "--workers", "serial", "--no-report")


@pytest.fixture
def told(root: Path, tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, str(root / "examples" / "webhook_observer.py"))


@pytest.fixture
def listening() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """An address, and what was sent to it."""
    said: list[dict[str, object]] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", said
    server.shutdown()
    server.server_close()


def test_the_webhook_has_what_came_out(
    told: InProcess,
    listening: tuple[str, list[dict[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, said = listening
    monkeypatch.setenv("HELIOSTAT_WEBHOOK", address)
    account = told.json(*COUNT)
    assert account["observer_failures"] == {}
    (one,) = said
    assert (one["run"], one["state"], one["digest"], one["error"]) == (
        account["run"], "finished", account["digest"], None,
    )  # fmt: skip


def test_the_webhook_is_told_what_ended_a_run_badly(
    told: InProcess,
    listening: tuple[str, list[dict[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, said = listening
    monkeypatch.setenv("HELIOSTAT_WEBHOOK", address)
    assert told(*BAD).returncode != 0
    (one,) = said
    assert one["state"] == "failed"
    assert one["digest"] is None
    assert one["error"]


def test_an_address_where_nobody_is_changes_nothing(
    told: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = told.json(*COUNT)
    monkeypatch.setenv("HELIOSTAT_WEBHOOK", "http://127.0.0.1:9/")
    away = told.json(*COUNT)
    assert away["observer_failures"] == {"webhook_observer": 1}
    assert (away["digest"], away["result"]) == (alone["digest"], alone["result"])
    assert alone["observer_failures"] == {}


def test_the_command_runs_at_a_failure_alone_and_no_shell_reads_its_words(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = InProcess(tmp_path, str(root / "examples" / "command_observer.py"))
    script = tmp_path / "say.py"
    script.write_text("import sys, json; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))")
    out = tmp_path / "said.json"
    words = f"{sys.executable} {script} {out} {{run}} {{state}} {{error}} '$(date); x'"
    monkeypatch.setenv("HELIOSTAT_AT_FAILURE", words)
    assert here(*COUNT).returncode == 0
    assert not out.exists()
    assert here(*BAD).returncode != 0
    run, state, error, last = json.loads(out.read_text())
    assert state == "failed"
    assert (here.runs / run).is_dir()
    assert error and last == "$(date); x"


def test_both_stay_within_a_screen(root: Path) -> None:
    for name in ("webhook_observer.py", "command_observer.py"):
        text = (root / "examples" / name).read_text(encoding="utf-8")
        body = [line for line in text.split('"""', 2)[2].splitlines() if line.strip()]
        assert len(body) <= 22, name
