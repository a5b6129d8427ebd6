"""The report of a run: its title, what was set, what an unfinished one shows, on a phone too."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from command_line import CommandLine
from heliostat_teaching import group_means
from heliostat_teaching.plugin import heliostat_methods

from heliostat.contract.sections import Folded, Plot, Section, Table
from heliostat.errors import key_text
from heliostat.plugins.registry import Registry
from heliostat.report import heading
from heliostat.report.build import sections_of, write_report
from heliostat.store.folder import RunFolder
from heliostat.store.marks import Marks, write_marks
from heliostat.store.view import RunView

METHOD = group_means.METHOD
SMOKE = ("run", "group_means", "--preset", "smoke", "--workers", "serial")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A finished run, and one whose driver was killed after 15 of 24 tasks."""
    command = CommandLine(tmp_path_factory.mktemp("report"))
    whole = command.here.json(*SMOKE, "-o", "pull=2.0", "--no-report")
    assert command(*SMOKE, HELIOSTAT_FAULT="kill-after-commits=15").returncode == -9
    found = sorted(command.runs.glob("2*"))
    (half,) = [path for path in found if path.name != whole["run"]]
    yield {"whole": command.runs / whole["run"], "half": half}
    command.close()


def opened(folder: Path) -> RunView:
    return RunView(RunFolder(folder))


def by_title(view: RunView) -> dict[str, Section]:
    return {section.title: section for section in sections_of(view, METHOD, Registry())}


def tables(section: Section) -> list[Table]:
    return [block for block in section.content if isinstance(block, Table)]


def page(view: RunView) -> ElementTree.Element:
    path = write_report(view, METHOD, Registry())
    return ElementTree.fromstring(Path(path).read_text(encoding="utf-8"))


def test_what_was_set_stands_before_what_the_preset_set_and_the_rest_is_folded(
    runs: dict[str, Path],
) -> None:
    section = by_title(opened(runs["whole"]))["Configuration"]
    (set_,) = tables(section)
    assert [list(row) for row in set_.rows] == [
        ["pull", "2.0", "1.0", "this run"],
        ["rounds", "4", "10", "preset smoke"],
    ]
    (folded,) = [block for block in section.content if isinstance(block, Folded)]
    assert folded.title == "2 fields as they are by default"
    assert [row[0] for row in folded.content[0].rows] == ["groups", "samples"]  # type: ignore[union-attr]


def test_products_have_sizes_and_the_command_that_takes_one_away(runs: dict[str, Path]) -> None:
    view = opened(runs["whole"])
    section = by_title(view)["Products"]
    ((name, _, size, _),) = tables(section)[0].rows
    assert name == "center"
    assert re.fullmatch(r"\d+ B", str(size))
    said = [getattr(block, "body", "") for block in section.content]
    assert f"heliostat export {view.id} --product center --output center" in said


def test_a_finished_run_has_no_banner(runs: dict[str, Path]) -> None:
    view = opened(runs["whole"])
    assert heading.banner(view) == ""
    root = page(view)
    assert root.find(".//p[@class='banner']") is None
    assert "So far" not in [node.text for node in root.iter("h2")]


def test_an_unfinished_run_says_where_it_is_and_what_is_missing(runs: dict[str, Path]) -> None:
    view = opened(runs["half"])
    said = page(view).findtext(".//p[@class='banner']")
    assert said is not None
    assert said.startswith("This run is not finished: its driver was killed")
    # what is committed together depends on the machine, what the search has seen does not
    assert re.search(r"It is at step 2 of 4; 12 tasks \(1[5-8] stored\) are done\.", said)
    assert "Missing: the result with its digest" in said
    assert said.endswith(f"Go on with: heliostat resume {view.id}")


def test_an_unfinished_run_shows_progress_best_so_far_and_curves(runs: dict[str, Path]) -> None:
    view = opened(runs["half"])
    found = by_title(view)
    best, progress = tables(found["So far"])
    values = [value for _, value in view.metrics()["loss"]]
    assert len(values) == 2
    assert list(best.rows[0]) == ["loss", min(values), "small", None]
    ((search, step, *_, newest),) = progress.rows
    assert "phase" not in progress.columns  # the search names none
    assert (search, step) == ("main", "2 of 4")
    assert str(newest).startswith("loss 0.")
    (plot,) = found["Progress"].content
    assert isinstance(plot, Plot)
    assert list(plot.series[0].y) == values


def test_a_method_that_draws_no_plot_of_a_part_leaves_it_to_the_platform(
    runs: dict[str, Path],
) -> None:
    from dataclasses import replace

    def silent(view: Any) -> list[Section]:
        return [Section("Own", [])]

    def drawing(view: Any) -> list[Section]:
        return [Section("Own", [Plot("p", "x", "y", [])])]

    view = opened(runs["half"])
    titles = [
        [s.title for s in sections_of(view, replace(METHOD, report=report), Registry())]
        for report in (silent, drawing)
    ]
    assert titles[0][:3] == ["So far", "Own", "Progress"]
    assert titles[1][:2] == ["So far", "Own"] and "Progress" not in titles[1]


def test_the_title_is_the_given_name_with_note_and_tags_below(runs: dict[str, Path]) -> None:
    view = opened(runs["whole"])
    assert heading.title(view, METHOD) == "group_means"
    write_marks(runs["whole"], Marks("tighter", "pulled <b>harder</b>", {"kind": "try", "x": ""}))
    root = page(view)
    assert root.findtext(".//h1") == "tighter"
    header = [node.text or "" for node in root.findall(".//header/p")]
    assert header[0].startswith("Group_means, bilevel regression of groups")
    assert f"run {view.id}, seed 0, finished" in header[0]
    assert header[1:] == ["pulled <b>harder</b>", "Tags: kind=try, x"]
    (runs["whole"] / "marks.json").unlink()


def test_the_title_says_what_the_run_works_on(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    view = opened(runs["whole"])
    about = replace(view.about, on="diabetes, digits")
    monkeypatch.setattr(RunView, "about", property(lambda self: about))
    assert heading.title(view, METHOD) == "group_means on diabetes, digits"


def test_fields_are_shown_unfolded_where_nothing_is_known_of_defaults(
    runs: dict[str, Path],
) -> None:
    from dataclasses import replace

    newer = replace(METHOD, version=2)
    view = opened(runs["whole"])
    found = {s.title: s for s in sections_of(view, newer, Registry())}["Configuration"]
    (every,) = tables(found)
    assert list(every.columns) == ["field", "value"]
    assert len(every.rows) == 4


def test_every_teaching_method_shows_a_part_of_its_run(runs: dict[str, Path]) -> None:
    # they have no report of their own: what is shown is the platform's
    assert [method.report for method in heliostat_methods()] == [None] * 3
    view = opened(runs["half"])
    assert "Progress" in by_title(view)
    assert all(key_text(scope) or scope == () for scope in view.scopes())


def test_no_page_is_wider_than_a_phone(runs: dict[str, Path], tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed, so no browser can say how wide the report is")
    view = opened(runs["half"])
    write_marks(runs["half"], Marks("x" * 80, "y" * 300, {"k": "z" * 200}))
    report = Path(write_report(view, METHOD, Registry()))
    outer = tmp_path / "phone.html"
    outer.write_text(
        f'<iframe id="f" width="360" height="700" src="{html.escape(report.as_uri())}"></iframe>'
        "<p id='said'></p><script>onload = () => {"
        "const page = document.getElementById('f').contentDocument, d = page.documentElement;"
        "const svg = page.querySelector('.narrow svg').getBoundingClientRect();"
        "const wide = page.querySelector('.wide').getBoundingClientRect();"
        "document.getElementById('said').textContent ="
        "  [d.scrollWidth, d.clientWidth, Math.round(svg.right), wide.width].join(' ')}</script>",
        encoding="utf-8",
    )
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=2000", "--dump-dom", outer.as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
    )  # fmt: skip
    said = re.search(r'<p id="said">([^<]+)</p>', done.stdout)
    assert said, done.stderr[-2000:]
    scroll, client, right, wide = map(float, said[1].split())
    assert scroll <= client <= 360
    assert right <= client
    assert wide == 0
