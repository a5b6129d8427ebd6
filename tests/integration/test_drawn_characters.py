"""Characters drawn by hand: printed boxes, scans, drawings as pairs, and as a font of their own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcess

from heliostat_methods.strokegan.fonts.embedded import default_fonts

Image = pytest.importorskip("PIL.Image")
fontTools = pytest.importorskip("fontTools.ttLib")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """A folder with a smoke run, its six worst characters drawn on a page, and the scan read."""
    from heliostat_methods.strokegan.font_file.sheet_layout import SheetLayout
    from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer

    here = InProcess(tmp_path_factory.mktemp("drawn"))
    here.json("run", "strokegan", "--preset", "smoke", "--workers", "serial", "--name", "mine")
    printed = here("sheet", "print", "--worst", "mine", "--count", "6", "--out", "pages")
    assert printed.returncode == 0, printed.stderr
    assert "1 page for 6 characters" in printed.stdout
    pen, layout = GlyphRenderer("sample-kuaile", px=128, scale=1.0), SheetLayout()
    with Image.open(here.folder / "pages/page-1.png") as page:
        for box, char in enumerate(_listed(here)):
            page.paste(Image.fromarray(pen.render([char])[0]), layout.box(box))
        page.rotate(91, expand=True, fillcolor=240).save(here.folder / "scan.png")
    read = here("sheet", "read", "scan.png", "--characters", "pages/characters.txt",
                "--out", "drawings")  # fmt: skip
    assert read.returncode == 0, read.stderr
    assert "6 drawings in drawings" in read.stdout
    return here


def _listed(here: InProcess) -> str:
    return (here.folder / "pages/characters.txt").read_text(encoding="utf-8").strip()


def _went_on(here: InProcess, workers: str, name: str, *more: str) -> Any:
    return here.json("run", "strokegan", "--begin", "run:mine/font-strokegan_plus",
                     "--redrawn", "drawings", "--steps", "2", "--seeds", "2",
                     "--workers", workers, "--name", name, *more)  # fmt: skip


@pytest.fixture(scope="module")
def again(here: InProcess) -> Any:
    """The run that went on with the drawings, in one process."""
    return _went_on(here, "serial", "again")


def test_redrawn_characters_become_pairs_and_the_training_goes_on(
    here: InProcess, again: Any
) -> None:
    result = again["result"]
    rows = {row["variant"]: row for row in result["rows"]}
    assert list(rows) == ["before", "going_on", "redrawn"]
    ((train, held_out, pairs),) = [one["counts"] for one in result["ceilings"].values()]
    assert (train, held_out, pairs) == (48 + 6, 12 - 6, 10 + 6)
    assert rows["before"]["scores"]["l1"]["half"] == 0  # nothing was trained
    assert rows["redrawn"]["records"]["step"][-1] == 3 + 2 - 1
    assert not set(_listed(here)) & {char for char, *_ in rows["redrawn"]["worst"]}


@pytest.mark.usefixtures("again")
def test_a_font_of_it_says_whose_drawings_are_in_it(here: InProcess) -> None:
    asked = ("font", "again", "--out", "again.ttf", "--characters", "pages/characters.txt")
    refused = here(*asked)
    assert refused.returncode == 2
    assert "--drawings-licence" in refused.stderr
    told = here.json(*asked, "--drawings-licence", "CC BY 4.0 by me")
    assert told["glyphs"] == 6
    with fontTools.TTFont(here.folder / "again.ttf") as font:
        assert "CC BY 4.0 by me" in font["name"].getDebugName(13)


@pytest.mark.ray
def test_workers_change_nothing(here: InProcess, again: Any) -> None:
    assert _went_on(here, "2", "on-ray")["digest"] == again["digest"]


def test_drawings_alone_are_a_target_font(here: InProcess) -> None:
    from heliostat_methods.strokegan.fonts.drawings import drawing_name
    from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer

    folder = here.folder / "own"
    folder.mkdir()
    pen = GlyphRenderer("sample-kuaile", px=64, scale=1.0)
    for char in sorted(pen.characters - set("永国"))[-30:]:
        Image.fromarray(pen.render([char])[0]).save(folder / drawing_name(char))
    result = here.json("run", "strokegan", "--preset", "smoke", "--targets", "own", "--pairs", "1",
                       "--unpaired", "25", "--workers", "serial")["result"]  # fmt: skip
    ((train, held_out, pairs),) = [one["counts"] for one in result["ceilings"].values()]
    assert train == pairs == 24 and held_out == 6
    assert {row["variant"] for row in result["rows"] if row["scores"]} == {
        "copy_source", "l1_pairs_only", "strokegan_plus",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "strokegan", "--begin", "run:mine/font-strokegan_plus", "--size", "32"],
         "size = 32: expected 16, as the run has that it begins with"),
        (["run", "strokegan", "--begin", "run:mine/font-strokegan_plus", "--pairs", "0.5"],
         "pairs = 0.5: expected no such setting together with begin"),
        (["run", "strokegan", "--begin", "run:mine/font-strokegan_plus", "--redrawn", "nowhere"],
         "redrawn = 'nowhere': expected a folder of drawings"),
        (["run", "strokegan", "--begin", "run:mine/font-strokegan_plus", "--critics",
          "sample-kuaile"], "critics[0] = 'sample-kuaile': expected another font"),
        (["run", "strokegan", "--redrawn", "drawings"], "expected begin, a run that goes on"),
        (["sheet", "print", "--worst", "mine", "--characters", "x", "--out", "p"],
         "either --worst or --characters"),
        (["sheet", "print", "--count", "1001", "--out", "p"], "at most the 1,000 characters"),
        (["sheet", "print", "--source", "nofont", "--out", "p"], "--source = 'nofont'"),
        (["sheet", "read", "pages/characters.txt", "--characters", "pages/characters.txt",
          "--out", "p"], "expected a scan of a whole page"),
        (["sheet", "read", "pages/page-1.png", "--characters", "pages/characters.txt",
          "--out", "p"], "every box is empty"),
        (["sheet", "read", "scan.png", "scan.png", "--characters", "pages/characters.txt",
          "--out", "p"], "expected each page once"),
        (["sheet", "read", "scan.png", "--characters", "scan.txt", "--out", "p"],
         "was printed with other characters"),
        (["sheet", "read", "scan.png", "--characters", "pages/characters.txt",
          "--out", "drawings"], "expected a folder without drawings of these characters"),
        (["sheet", "print", "--out", "pages"], "expected a folder without pages"),
        (["sheet", "print", "--target", "own", "--out", "p"], "--worst too"),
        (["run", "strokegan", "--preset", "smoke", "--targets", "kai.ttf"],
         "targets[0] = 'kai.ttf': expected another font than those before it"),
        (["run", "strokegan", "--preset", "smoke", "--targets", "scan.txt"],
         "cannot be read as a font"),
    ],
)  # fmt: skip
def test_mistakes_are_named(here: InProcess, arguments: list[str], message: str) -> None:
    (here.folder / "scan.txt").write_text(_listed(here)[::-1], encoding="utf-8")
    shutil.copy(default_fonts().source, here.folder / "kai.ttf")
    done = here(*arguments, *(["--workers", "serial"] if arguments[0] == "run" else []))
    assert done.returncode == 2, done.stdout
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr and not Path(here.folder, "p").exists()


def test_a_page_for_the_worst_leaves_half_of_the_held_out_to_judge_by(here: InProcess) -> None:
    done = here("sheet", "print", "--worst", "mine", "--count", "50", "--out", "all")
    assert "1 page for 6 characters" in done.stdout
    assert "the worst 6 of 12 held-out characters" in " ".join(done.stdout.split())


def test_a_drawing_that_no_pair_can_be_made_of_is_named(here: InProcess) -> None:
    folder = here.folder / "odd"
    folder.mkdir()
    white = Image.fromarray(np.full((64, 64), 255, np.uint8))
    white.save(folder / "Q.png")
    done = here("run", "strokegan", "--begin", "run:mine/font-strokegan_plus", "--redrawn", "odd",
                "--workers", "serial")  # fmt: skip
    assert done.returncode == 2
    assert "the source font has no glyph for Q" in " ".join(done.stderr.split())
