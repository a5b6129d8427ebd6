"""The pages by address, of runs of any origin."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra `ui` is not installed")
pytest.importorskip("httpx2", reason="Starlette's test client needs it")
from going_runs import GoingRun
from in_process import InProcess
from starlette.testclient import TestClient

from heliostat.store.marks import Marks, write_marks
from heliostat.ui.access import Access
from heliostat.ui.app import Pages
from heliostat.ui.drawing import Drawer, drawn
from heliostat.ui.rows import Listing, key_of

MEANS = "20200101-000000-group_means-0001"
OTHER = "20200101-000000-group_means-0002"
GOING = "20200101-000000-group_means-0003"
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs that differ in one field."""
    cli = InProcess(tmp_path_factory.mktemp("made"))
    for name, rounds in ((MEANS, 4), (OTHER, 6)):
        done = cli("run", "group_means", "--workers", "serial", "-o", f"rounds={rounds}")
        assert done.returncode == 0, done.stderr
        (run,) = cli.runs.glob("2*")
        run.rename(cli.folder / name)
    cli.runs.rmdir()
    return cli.folder


@pytest.fixture
def root(tmp_path: Path, made: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


class HereDrawer(Drawer):
    """Draws in this process: what the other one answers is tested with a browser."""

    def sections(self, folder: Any, now: Any) -> Any:
        from heliostat.ui.markup import Html

        return Html(drawn(str(folder.path)))


@pytest.fixture
def visit(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Get an address."""
    from heliostat.plugins.registry import registry

    registry.cache_clear()
    app: Any = Access(Pages(Listing(root), HereDrawer()).app(), "127.0.0.1", 1, None)
    yield TestClient(app, base_url="http://localhost", follow_redirects=False).get
    registry.cache_clear()


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    found: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Reader().feed(page)
    return found


def assert_harmless(page: str) -> None:
    """Nothing but our one script, no handler, no address of another place."""
    for tag, attributes in elements(page):
        assert tag != "script" or attributes.get("src") == "/static/ui.js"
        assert tag not in ("iframe", "object", "embed", "base")
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "action"):
            value = attributes.get(name) or "/"
            assert value.startswith(("/", "?", "#", "data:")) and not value.startswith("//"), value


def parts(text: str) -> dict[str, Any]:
    """Return the last data of each kind of event, parts by their id."""
    found = {}
    for kind, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", text):
        value = json.loads(data)
        found[value["id"] if kind == "part" else kind] = value
    return found


def test_the_list_has_every_run_with_its_marks(visit: Callable[..., Any], root: Path) -> None:
    write_marks(root / MEANS, Marks("named", "a note\nof two lines", {"paper": "x"}))
    page = visit("/").text
    assert "2 runs" in page
    for text in ("named", "a note", "paper=x", MEANS, OTHER, "finished", "group_means"):
        assert f"{text}<" in page
    assert "of two lines" not in page
    assert_harmless(page)


def test_the_list_is_filtered_and_says_of_how_many(visit: Callable[..., Any], root: Path) -> None:
    write_marks(root / MEANS, Marks("named"))
    page = visit("/", params={"text": "named"}).text
    assert "1 of 2 runs" in page and OTHER not in page
    part = visit("/", params={"text": "named", "part": "1"}).text
    assert part.startswith("<p") and "<html" not in part


def test_a_run_has_its_state_products_and_marks(visit: Callable[..., Any], root: Path) -> None:
    write_marks(root / MEANS, Marks("named", "line\nline", {"k": "v"}))
    page = visit(f"/run/{MEANS}").text
    for text in ("named", "k=v", "line\nline", "finished", "4 of 4", "center"):
        assert text in page
    assert_harmless(page)


def test_the_events_of_a_finished_run_are_its_parts_and_an_end(visit: Callable[..., Any]) -> None:
    answer = visit(f"/run/{MEANS}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = parts(answer.text)
    assert set(found) == {"open", "head", "body", "end"}
    assert "4 of 4" in found["head"]["html"]
    body = found["body"]["html"]
    for title in ("Failures", "Workers", "Configuration", "How to reproduce"):
        assert f"<h2>{title}</h2>" in body
    assert "<svg" in body
    assert_harmless(body)


def test_a_run_that_goes_on_shows_phase_step_rate_and_what_it_reported(
    root: Path, visit: Callable[..., Any]
) -> None:
    going = GoingRun(root, GOING, goals={"loss": "min"}, on="digits")
    going.phase("warming up")
    for step, loss in enumerate((0.5, 0.25, 0.375), start=1):
        going.step(step, 8, loss=loss)
    page = visit(f"/run/{GOING}").text
    for text in ("running", "warming up", "3 of 8", "loss 0.25", "digits", "time left", "0.375"):
        assert text in page
    assert re.search(r'<progress value="3" max="8"', page)
    assert "Progress" in drawn(str(root / GOING)) and "<svg" in drawn(str(root / GOING))
    going.end()


def test_a_product_is_its_bytes_to_be_kept_and_never_shown(
    visit: Callable[..., Any], root: Path
) -> None:
    (link,) = [
        attributes["href"]
        for tag, attributes in elements(visit(f"/run/{MEANS}").text)
        if tag == "a" and "download" in attributes
    ]
    answer = visit(link)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="center.json"')
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content in [
        p.read_bytes() for p in (root / MEANS / "artifacts").rglob("??*") if p.is_file()
    ]
    assert visit(f"/run/{MEANS}/product", params={"name": "../config.toml"}).status_code == 404


def test_a_damaged_product_is_refused(visit: Callable[..., Any], root: Path) -> None:
    for path in (root / MEANS / "artifacts").rglob("*"):
        if path.is_file():
            path.write_bytes(b"something else")
    assert visit(f"/run/{MEANS}/product", params={"name": "center"}).status_code == 404


def test_a_report_of_strangers_is_shown_and_runs_nothing(
    visit: Callable[..., Any], root: Path
) -> None:
    (root / MEANS / "report.html").write_text(HOSTILE)
    answer = visit(f"/run/{MEANS}/report")
    policy = answer.headers["content-security-policy"]
    assert answer.text == HOSTILE
    assert policy.startswith("sandbox;") and "script" not in policy and "allow" not in policy


def test_a_report_that_is_a_link_is_not_followed(visit: Callable[..., Any], root: Path) -> None:
    visit("/")
    (root / MEANS / "report.html").unlink()
    (root / MEANS / "report.html").symlink_to("/etc/hostname")
    assert visit(f"/run/{MEANS}/report").status_code == 404


def test_comparing_begins_with_what_differs_in_configuration(visit: Callable[..., Any]) -> None:
    page = visit("/compare", params=[("run", MEANS), ("run", OTHER)]).text
    assert re.findall("<h2>(.*?)</h2>", page) == ["Configuration", "Runs", "Results", "Curves"]
    first = page[page.index("<h2>Configuration") : page.index("<h2>Runs")]
    assert "rounds" in first and "samples" not in first  # samples are equal
    curves = page[page.index("<h2>Curves") :]
    assert all(f"<title>{name}</title></path>" in curves for name in (MEANS, OTHER))
    assert_harmless(page)


def test_comparing_says_which_runs_it_lacks(visit: Callable[..., Any], root: Path) -> None:
    (root / OTHER / "run.db").write_text("damaged")
    page = visit("/compare", params=[("run", MEANS), ("run", OTHER), ("run", HOSTILE)]).text
    assert f"{OTHER} cannot be read" in page
    assert "There is no run &lt;script&gt;" in page
    assert "Pick two runs" in page
    assert_harmless(page)


def test_equal_runs_have_equal_digests(visit: Callable[..., Any], root: Path) -> None:
    shutil.copytree(root / MEANS, root / "copy")
    page = visit("/compare", params=[("run", MEANS), ("run", "copy")]).text
    assert "bit for bit" in page and "Their configurations are equal." in page


@pytest.mark.parametrize(
    "path",
    [
        "/run/nobody",
        "/run/..%2f..%2fsecret",
        "/run/nobody/events",
        "/static/../app.py",
        "/cluster",
        "/x",
    ],
)
def test_what_is_not_there_is_said(visit: Callable[..., Any], path: str) -> None:
    answer = visit(path)
    assert answer.status_code == 404
    assert_harmless(answer.text)


def test_hostile_names_are_text_on_every_page(root: Path, visit: Callable[..., Any]) -> None:
    name = "2020 <img src=x onerror=alert(1)>"
    going = GoingRun(
        root, name, method="<b>method", on=HOSTILE, labels=(HOSTILE,), goals={HOSTILE: "min"}
    )
    going.phase(HOSTILE)
    for step in range(3):
        going.step(step, 3, **{HOSTILE: float("nan"), "</svg><script>": float("inf")})
    sha256 = going.folder.artifacts.put(b"x")
    odd = "../</a><script>"
    going.journal.add_product(odd, (), HOSTILE, sha256, 1, "application/octet-stream")
    going.journal.add_event(HOSTILE, HOSTILE)
    going.end("failed", error=HOSTILE)
    (root / name / "marks.json").write_text(
        json.dumps({"name": "n", "note": HOSTILE, "tags": {"t": HOSTILE}})
    )
    key = key_of(name)
    pages = [visit("/").text, visit(f"/run/{key}").text]
    pages.append(visit("/compare", params=[("run", key), ("run", MEANS)]).text)
    found = parts(visit(f"/run/{key}/events").text)
    pages += [found["head"]["html"], found["body"]["html"]]
    for page in pages:
        assert_harmless(page)
        assert "<img" not in page
    answer = visit(f"/run/{key}/product", params={"name": odd})
    assert answer.content == b"x"
    assert "<" not in answer.headers["content-disposition"].replace("%3C", "")


@pytest.mark.parametrize("content", [b"", b"text", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_run_is_a_row_and_a_page_that_say_so(
    root: Path, visit: Callable[..., Any], content: bytes
) -> None:
    (root / OTHER / "run.db").write_bytes(content)
    page = visit("/").text
    assert "damaged" in page and MEANS in page
    answer = visit(f"/run/{OTHER}")
    assert answer.status_code == 200 and "This run cannot be read" in answer.text
    found = parts(visit(f"/run/{OTHER}/events").text)
    assert "cannot be read" in found["head"]["html"]
    assert "cannot be shown" in found["body"]["html"]


def test_a_method_that_is_not_here_leaves_what_every_run_shows(root: Path) -> None:
    going = GoingRun(root, GOING, method="nobody_has_it")
    going.step(1, 2, loss=0.5)
    going.step(2, 2, loss=0.25)
    body = drawn(str(root / GOING))
    assert "What the method itself shows is left out: method nobody_has_it is not loaded" in body
    assert re.findall("<h2>(.*?)</h2>", body)[:3] == ["So far", "Method", "Progress"]
    going.end()


def test_own_files_are_small_and_fetch_nothing_from_outside(visit: Callable[..., Any]) -> None:
    for name, kind in (
        ("ui.js", "text/javascript"),
        ("ui.css", "text/css"),
        ("report.css", "text/css"),
    ):
        answer = visit(f"/static/{name}")
        assert answer.headers["content-type"].startswith(kind)
        assert "://" not in answer.text and len(answer.text) < 10_000
