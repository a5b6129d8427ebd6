"""Text from elsewhere is read by our own grammars, shown as text, and never obeyed."""

from __future__ import annotations

import base64
import dataclasses
import html.parser
import http.server
import json
import pickle
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from heliostat_test_methods import METHODS
from journal_rows import execute_unchecked

from heliostat import MethodSpec
from heliostat.cli.main import run
from heliostat.contract.method import Metric
from heliostat.driver.configuration import parse_override, resolve
from heliostat.driver.start import start
from heliostat.errors import CorruptStore, EncodingError, PluginError, StoreError
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat.report.build import write_report
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import RunFolder, create
from heliostat.store.view import RunView

SMOKE = ["run", "evomal", "--preset", "smoke", "--workers", "serial"]
CODE = '__import__("os").system("touch pwned")'
MEGABYTE = 1_000_000
LONG = {
    "code": CODE,
    "code in a call": f"square({CODE})",
    "10,000 parentheses": "(" * 10_000,
    "10,000 calls": "square(" * 10_000 + "y" + ")" * 10_000,
    "a megabyte of a name": "a" * MEGABYTE,
    "a megabyte of blanks": "square(sub(y, f))" + " " * MEGABYTE,
    "a megabyte of digits": f"square({'1' * MEGABYTE}*y)",
    "a deep table": "{name = " + "[" * 100_000,
    "a lambda": "(lambda: 1)()",
    "a dunder": "().__class__.__bases__[0].__subclasses__()",
    "a format string": "{0.__class__.__init__.__globals__}",
    "a NUL": "square(y\0)",
}

# A grammar that backtracks, evaluates or compares everything with everything would sit here for
# minutes; the suite's limit of one test is what it runs into.
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not list(tmp_path.rglob("pwned")), "text was executed"


def refused(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """Run a command that has to be refused in a few words and return them."""
    assert run([*arguments]) == code
    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "unexpected error" not in said.err
    assert len(said.err) < 2000
    return said.err


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_formula_is_read_by_its_own_grammar(
    folder: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    assert "expected" in refused(capfd, "losses", "show", text)
    said = refused(capfd, *SMOKE, "-o", f"initial=[{json.dumps(text)}]")
    assert "initial[0] = " in said
    assert list(folder.glob("runs/*")) == []


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("field", ["loss", "datasets", "population", "initial"])
def test_a_value_on_the_command_line_is_a_value(
    folder: Path, capfd: pytest.CaptureFixture[str], field: str, text: str
) -> None:
    assert refused(capfd, *SMOKE, "-o", f"{field}={text}").startswith("error: ")
    assert list(folder.glob("runs/*")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", ".".join("a" * 100_000) + "=1"],
        ["-o", "initial." + ".".join("a" * 100_000) + "=1"],
        ["-o", "a" * MEGABYTE + "=1"],
        ["-o", "population=" + "9" * 100_000],
        ["-o", "seed" * 100_000],
        ["-o", "loss=run:../../elsewhere"],
        ["-o", "loss=run:" + "a" * MEGABYTE],
        ["-o", 'datasets="csv:a\\u0000b"'],
        ["--workers", "9" * 5000],
        ["--preset", "a" * MEGABYTE],
    ],
    ids=lambda arguments: arguments[1][:24],
)
def test_long_and_odd_options_are_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    refused(capfd, *SMOKE, *arguments)
    assert list(folder.glob("runs/*")) == []


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/no_such", "..", "<script>", "a\0b", "a" * MEGABYTE, CODE]
)
def test_names_of_runs_and_methods_are_looked_up_and_nothing_else(
    folder: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    for verb in ("show", "resume", "report", "export", "verify"):
        assert "no run" in refused(capfd, verb, name, code=5)
    for verb in (["run", name], ["methods", "describe", name], ["config", "init", name]):
        assert "unknown method" in refused(capfd, *verb)
    refused(capfd, name)


@pytest.mark.parametrize(
    "text",
    [
        'method = "evomal"\n[config]\nloss = ' + "[" * 100_000,
        'method = "evomal"\n[config]\npopulation = ' + "9" * 100_000,
        'method = "../../x"',
        'method = "a\\u0000b"',
        f"method = {CODE}",
        f"method = '{CODE}'",
        "\0",
        "\x80\x04K\x01.",
    ],
    ids=lambda text: text[:20].replace("\0", "NUL"),
)
def test_a_hostile_configuration_file_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    (folder / "job.toml").write_bytes(text.encode("latin-1"))
    refused(capfd, "run", "job.toml")


@pytest.mark.parametrize("name", ["../up", "/tmp/x", "a\0b", "<script>", "", "a b", "A"])
def test_no_folder_is_made_for_a_method_of_such_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(PluginError, match="no method's name"):
        create(tmp_path / "runs", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a\0b" * 21, "A" * 64, ""])
def test_an_artifact_is_named_by_a_hash_alone(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="not a SHA-256 hash"):
        ArtifactStore(tmp_path).get(name)


# Pickles


class Payload:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def stopped_run(cli: Any) -> Path:
    cli("run", "checkpointed", "--workers", "serial", HELIOSTAT_FAULT="kill-after-commits=14")
    path: Path = cli.only_run()
    return path


def put_in_place(run_folder: Path, table: str, column: str, content: object) -> int:
    return execute_unchecked(run_folder, f"UPDATE {table} SET {column} = ?", content)


@pytest.mark.parametrize("raw", [True, False], ids=["bytes", "text"])
def test_a_pickle_in_place_of_a_checkpoint_is_not_executed(cli: Any, raw: bool) -> None:
    plain = cli.json("run", "checkpointed", "--workers", "serial")
    shutil.rmtree(cli.runs)
    path = stopped_run(cli)
    payload = pickle.dumps(Payload(cli.folder / "pwned"))
    content = payload if raw else base64.b64encode(payload).decode()
    assert put_in_place(path, "checkpoint", "state", content) >= 1
    done = cli("resume", "last", "--workers", "serial", "--json")
    assert not (cli.folder / "pwned").exists()
    assert "Traceback" not in done.stderr
    if done.returncode == 0:  # the damaged checkpoint was noticed and the journal replayed
        assert json.loads(done.stdout)["digest"] == plain["digest"]
    else:
        assert done.returncode == 5
        assert "damaged" in done.stderr


def test_a_pickle_in_place_of_an_artifact_is_not_executed(cli: Any) -> None:
    path = stopped_run(cli)
    files = [p for p in (path / "artifacts").rglob("*") if p.is_file()]
    assert files
    for file in files:
        file.write_bytes(pickle.dumps(Payload(cli.folder / "pwned")))
    done = cli("resume", "last", "--workers", "serial")
    assert not (cli.folder / "pwned").exists()
    assert "Traceback" not in done.stderr
    assert done.returncode == 4
    assert "is damaged" in done.stderr


def test_a_payload_that_is_loaded_would_have_been_seen(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "pwned")))
    assert (tmp_path / "pwned").exists()


def test_stored_text_makes_no_object_of_the_writer_s_choice(tmp_path: Path) -> None:
    from heliostat.values.canonical import decode

    for name in ("os:system", "builtins:eval", "subprocess:Popen", "pathlib:Path", "this:s"):
        with pytest.raises(EncodingError):
            decode(json.dumps({"$object": [name, {"args": "touch pwned"}]}))
    store = ArtifactStore(tmp_path)
    sha256 = store.put(b"text")
    store.path(sha256).write_bytes(pickle.dumps(Payload(tmp_path / "pwned")))
    with pytest.raises(CorruptStore):
        store.get(sha256)
    assert not (tmp_path / "pwned").exists()


# The report in a browser


@pytest.fixture
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine and the requests that reached it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def browsed(page: Path, profile: Path) -> str:
    """Return the page as Chromium holds it after its scripts, if any, have run."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed, so no browser can open the report")
    done = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=2000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def elements(dom: str) -> tuple[set[str], set[str]]:
    """Return the names of all elements of a page and of all their attributes."""
    tags: set[str] = set()
    names: set[str] = set()

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            names.update(name for name, _ in attrs)

    Reader().feed(dom)
    return tags, names


def payloads(server: str) -> list[str]:
    act = f"document.title='pwned';fetch('{server}/fetched')"
    return [
        f"<script>{act}</script>",
        f'"><img src="{server}/image" onerror="{act}">',
        f"</title><script src='{server}/script.js'></script>",
        f"<style>@import url({server}/style.css)</style>",
        f"<svg onload=\"{act}\"><image href='{server}/svg'/></svg>",
        f'<meta http-equiv="refresh" content="0;url={server}/refresh">',
        f'<link rel="stylesheet" href="{server}/link.css"><iframe src="{server}/frame">',
        f"javascript:{act}",
        "]]><!-- \0 & \u202e",
    ]


def test_the_report_runs_and_fetches_nothing(
    tmp_path: Path, listening: tuple[str, list[str]]
) -> None:
    server, asked = listening
    texts = payloads(server)

    def sections(view: RunView) -> list[Section]:
        return [
            Section(
                text,
                [
                    Text(text),
                    Text(text, code=True),
                    Table([text], [[text]], text),
                    Plot(text, text, text, [Series(text, [1, 2], [3, 4])], note=text),
                ],
            )
            for text in texts
        ]

    def search(config: Any, run: Any) -> Any:
        run.report(1, **{text: 1.0 for text in texts})
        for text in texts:
            run.save(text, text)
        return texts

    method = MethodSpec(
        name="hostile",
        summary=" ".join(texts),
        paper=texts[0],
        config=METHODS["ends_badly"].config,
        search=search,
        outputs={texts[0]: Metric()},
        report=sections,
    )
    for number, one in enumerate((method, dataclasses.replace(method, report=None))):
        account = start(
            one,
            execution=Execution(workers=0, runs=tmp_path / "runs", cache_dir=tmp_path / "cache"),
            plugins=Registry(),
        )
        view = RunView(RunFolder(Path(account["folder"])))
        page = Path(write_report(view, one, Registry()))
        dom = browsed(page, tmp_path / f"profile{number}")
        assert "<title>hostile</title>" in dom
        assert "&lt;script&gt;" in dom
        tags, attributes = elements(dom)
        assert not {"script", "img", "iframe", "link", "image"} & tags
        assert not {name for name in attributes if name.startswith("on")} | {"src"} & attributes
    assert asked == []


def test_a_browser_would_have_run_and_fetched_the_payloads(
    tmp_path: Path, listening: tuple[str, list[str]]
) -> None:
    server, asked = listening
    page = tmp_path / "open.html"
    page.write_text("<title>hostile</title>" + "".join(payloads(server)[:2]))
    dom = browsed(page, tmp_path / "profile")
    assert "<title>pwned</title>" in dom
    assert {"/fetched", "/image"} <= {*asked}


def test_overrides_and_parts_stay_values() -> None:
    assert parse_override(f"name={CODE}") == (["name"], CODE)
    config = resolve(METHODS["count"], Registry(), overrides=["offset=nan"])
    assert str(config.model_dump()["offset"]) == "nan"
