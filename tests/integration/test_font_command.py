"""`heliostat font`: an installable font out of a run, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import InProcess

fontTools = pytest.importorskip("fontTools.ttLib")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """A folder with one smoke run of strokegan."""
    here = InProcess(tmp_path_factory.mktemp("fonts"))
    here.json("run", "strokegan", "--preset", "smoke", "--workers", "serial", "--name", "mine")
    return here


def test_a_run_becomes_a_font_that_opens_with_its_licences(
    trained: InProcess, tmp_path: Path
) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("永 国\n龙一永", encoding="utf-8")
    out = tmp_path / "mine.ttf"
    told = trained.json("font", "mine", "--out", str(out), "--characters", str(chosen),
                        "--family", "Mine")  # fmt: skip
    assert told["glyphs"] == 4 and told["variant"] == "strokegan_plus"
    assert 0 < told["least_iou"] <= told["iou"] <= 1
    with fontTools.TTFont(out) as font:
        assert {chr(code) for code in font.getBestCmap()} >= set("永国龙一")
        assert font["name"].getDebugName(1) == "Mine"
        assert "Open Font License" in font["name"].getDebugName(13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variant", "l1_pairs"], "--variant = 'l1_pairs'"),
        (["--target", "sample-kuail"], "did you mean 'sample-kuaile'"),
        (["--characters", "nowhere.txt"], "--characters = 'nowhere.txt'"),
        (["--out", "mine.woff"], "expected an ending .ttf or .otf"),
        (["--family", "Heliostat Sample Kai"], "is the name of the source font"),
    ],
)
def test_mistakes_are_named(
    trained: InProcess, tmp_path: Path, arguments: list[str], message: str
) -> None:
    given = ["font", "mine", "--out", str(tmp_path / "x.ttf"), *arguments]
    if "--characters" not in given:
        few = tmp_path / "few.txt"
        few.write_text("永国", encoding="utf-8")
        given += ["--characters", str(few)]
    done = trained(*given)
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr and not (tmp_path / "x.ttf").exists()
