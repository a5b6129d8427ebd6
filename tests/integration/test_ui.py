"""`heliostat ui` as people use it: a server of its own, a browser, a run that goes on."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser
from going_runs import GoingRun
from in_process import InProcess

MEANS = "20200101-000000-group_means-0001"
OTHER = "20200101-000000-group_means-0002"
HOSTILE = "20200101 <img src=x onerror=document.title='pwned'>"
EXTRA = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]

needs_extra = pytest.mark.skipif(bool(EXTRA), reason=f"the extra `ui` lacks {', '.join(EXTRA)}")
pytestmark = pytest.mark.timeout(180)


class Served:
    """A `heliostat ui` of its own process."""

    def __init__(self, runs: Path, *options: str) -> None:
        command = "from heliostat.cli.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, "ui", "--runs", str(runs), "--port", "0", "--no-open",
             *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HELIOSTAT_PLUGINS": "none"},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.match(r"(http://\S+) shows the runs in .*; Ctrl-C ends it\n", line)
        if found is None:
            self.process.kill()
            raise AssertionError(f"{line!r}, {self.process.communicate()}")
        self.address = found[1]

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return exit code and standard error."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs and a hostile one."""
    cli = InProcess(tmp_path_factory.mktemp("ui"))
    for name, rounds in ((MEANS, 4), (OTHER, 6)):
        done = cli("run", "group_means", "--workers", "serial", "-o", f"rounds={rounds}")
        assert done.returncode == 0, done.stderr
        (run,) = [path for path in cli.runs.iterdir() if path.name not in (MEANS, OTHER)]
        run.rename(cli.runs / name)
    change = "document.title='pwned'"
    act = f'</style><img src=x onerror="{change}"><script>{change}</script>'
    odd = GoingRun(cli.runs, HOSTILE, on=act, labels=(act,))
    odd.phase(act)
    odd.step(1, 1, **{act: 1.0})
    odd.end("failed", error=act)
    (cli.runs / HOSTILE / "report.html").write_text(f"<p id=there>{act}</p>")
    return cli.runs


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[Served]:
    """One server for the tests that only look."""
    server = Served(root)
    yield server
    code, said = server.end()
    assert (code, said) == (0, "")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The one browser, of which no page may complain."""
    chromium.resize(1200, 900)
    chromium.events.clear()
    yield chromium
    assert chromium.complaints() == []


@needs_extra
def test_a_click_leads_from_the_list_to_a_run_and_its_drawings(
    served: Served, browser: Browser
) -> None:
    browser.open(served.address)
    browser.click(f"a[href='/run/{MEANS}']")
    browser.wait(f"location.pathname === '/run/{MEANS}'")
    browser.wait("document.querySelector('#body section svg')")
    titles = browser.value("[...document.querySelectorAll('h2')].map((h) => h.innerText)")
    assert {"Products", "Failures", "Configuration", "How to reproduce"} <= set(titles)
    # nothing more comes, and the page says nothing of being live
    browser.wait("document.querySelector('#live').hidden")


@needs_extra
def test_what_is_typed_filters_the_list_and_what_is_picked_is_compared(
    served: Served, browser: Browser
) -> None:
    browser.open(served.address)
    for name in (MEANS, OTHER):
        browser.click(f"input[value='{name}']")
    browser.type("input[type=search]", "group_means-000")
    browser.wait("document.querySelectorAll('.runs tbody tr').length === 2")
    assert "text=group_means-000" in browser.value("location.search")
    assert browser.value("document.querySelectorAll('.runs input:checked').length") == 2
    browser.click(".count button")
    browser.wait("location.pathname === '/compare'")
    browser.wait("document.querySelector('#body section')")
    first = browser.value("document.querySelector('#body section').innerText")
    assert first.startswith("Configuration") and "rounds\t6\t4" in first


@needs_extra
def test_a_page_follows_a_run_while_it_goes_on(
    served: Served, root: Path, browser: Browser
) -> None:
    name = "20200102-000000-group_means-0004"
    browser.open(served.address)
    browser.wait("document.querySelectorAll('.runs tbody tr').length === 3")
    going = GoingRun(root, name)
    going.step(1, 5, loss=0.5)
    try:
        # it appears in the list by itself
        browser.wait(f"document.querySelector(\"a[href='/run/{name}']\")")
        browser.click(f"a[href='/run/{name}']")
        browser.wait("document.querySelector('#head') && /1 of 5/.test(document.body.innerText)")
        browser.value("window.stayed = true")
        going.phase("second thoughts")
        going.step(2, 5, loss=0.25)
        browser.wait("/second thoughts/.test(document.body.innerText)")
        browser.wait("/2 of 5/.test(document.querySelector('#head').innerText)")
        browser.wait("document.querySelector('progress').value === 2")
        browser.wait("document.querySelectorAll('#body svg .hp-mark').length >= 2")
        assert browser.value("document.querySelector('#live').innerText") == "live"
        going.end("failed", error="it broke")
        browser.wait("/it broke/.test(document.body.innerText)")
        browser.wait("document.querySelector('#live').hidden")
        assert browser.value("window.stayed")  # all of it without loading the page again
    finally:
        shutil.rmtree(root / name)


@needs_extra
@pytest.mark.parametrize("path", ["", f"run/{MEANS}", f"compare?run={MEANS}&run={OTHER}"])
def test_a_phone_needs_no_scrolling_sideways(served: Served, browser: Browser, path: str) -> None:
    browser.resize(360, 740)
    browser.open(served.address + path)
    browser.wait("document.querySelector('.runs tbody tr, #body section')")
    assert browser.value("document.documentElement.scrollWidth") == 360
    wide = (
        "[...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll, pre')"
        " && e.getBoundingClientRect().right > 361).map((e) => e.outerHTML.slice(0, 200))"
    )
    assert browser.value(wide) == []
    if not path:  # each row is a card, so its cells are below each other
        assert (
            browser.value("getComputedStyle(document.querySelector('.runs tr')).display")
            != "table-row"
        )


@needs_extra
def test_a_hostile_run_does_nothing_in_a_browser(served: Served, browser: Browser) -> None:
    browser.open(served.address)
    address = browser.value("[...document.querySelectorAll('.runs a')].map((a) => a.pathname)"
                            ".find((p) => p.startsWith('/run/~'))")  # fmt: skip
    browser.open(served.address.rstrip("/") + address)
    browser.wait("document.querySelector('#body section')")
    assert browser.value("document.querySelectorAll('img, script').length") == 1  # our own script
    assert browser.value("document.title").startswith("20200101 <img")


@needs_extra
def test_a_report_of_strangers_runs_no_script(served: Served, chromium: Browser) -> None:
    chromium.open(served.address)
    address = chromium.value("[...document.querySelectorAll('.runs a')].map((a) => a.pathname)"
                             ".find((p) => p.startsWith('/run/~'))")  # fmt: skip
    chromium.open(f"{served.address.rstrip('/')}{address}/report")
    chromium.wait("document.querySelector('#there')")
    assert chromium.value("document.title") == ""
    assert chromium.value("window.origin") == "null"  # of no site, so it could read none


@needs_extra
def test_another_host_needs_a_token_which_is_printed(root: Path) -> None:
    server = Served(root, "--host", "0.0.0.0")
    try:
        found = re.fullmatch(r"http://[^/:]+:(\d+)/\?token=([\w-]{32})", server.address)
        assert found is not None
        for token, status in (("", 401), (found[2], 200)):
            request = urllib.request.Request(
                f"http://127.0.0.1:{found[1]}/", headers={"Authorization": f"Bearer {token}"}
            )
            try:
                got = urllib.request.urlopen(request).status
            except urllib.error.HTTPError as error:
                got = error.code
            assert got == status
    finally:
        assert server.end() == (0, "")


@needs_extra
def test_what_cannot_be_listened_at_is_a_sentence(here: InProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = here("ui", "--port", port, "--no-open")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--port = {port}: expected a free port of 127.0.0.1" in done.stderr
    cases = {
        ("--port", "70000"): "--port = 70000",
        ("--host", "no.such.host.invalid"): "--host = 'no.such.host.invalid'",
        ("--token", "short"): "--token = '*****'",
    }
    for options, expected in cases.items():
        done = here("ui", *options, "--no-open")
        assert done.returncode == 2 and expected in done.stderr


def test_without_the_extra_it_says_how_to_install_it(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    find: Callable[..., Any] = importlib.util.find_spec

    def lacking(name: str, *rest: Any) -> Any:
        return None if name == "starlette" else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", lacking)
    done = here("ui", "--no-open")
    assert done.returncode != 0
    assert "pip install 'heliostat[ui]'" in done.stderr
    assert "Traceback" not in done.stderr


@needs_extra
def test_options_mean_what_they_say(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    from heliostat.ui import serve

    asked: list[serve.Settings] = []
    opened: list[str] = []

    def noting(settings: serve.Settings, ready: Callable[[str], None]) -> None:
        asked.append(settings)
        ready("http://127.0.0.1:1/")

    monkeypatch.setattr(serve, "serve", noting)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.delenv("HELIOSTAT_UI_TOKEN", raising=False)
    done = here("ui", "--cluster", "--no-open")
    assert (done.returncode, opened) == (0, [])
    assert asked[-1] == serve.Settings(here.runs, cluster="auto")
    here("ui", "--cluster", "10.0.0.1:6379", "--runs", "elsewhere", "--port", "0", "--open")
    assert asked[-1] == serve.Settings(Path("elsewhere"), port=0, cluster="10.0.0.1:6379")
    assert opened == ["http://127.0.0.1:1/"]
    monkeypatch.setenv("HELIOSTAT_UI_TOKEN", "correct-horse-battery")
    here("ui")
    assert asked[-1].token == "correct-horse-battery"
    assert asked[-1].cluster is None
