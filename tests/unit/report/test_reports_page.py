"""The gallery of sections: every block of the page draws what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from heliostat.contract import sections
from heliostat.report import Section, render

PAGE = Path(__file__).parents[3] / "docs" / "reports.md"
HEADING = re.compile(r"^## (.+)$", re.M)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def blocks() -> list[tuple[str, str]]:
    """Return each block with the heading that it stands under."""
    _, *parts = HEADING.split(PAGE.read_text(encoding="utf-8"))
    under = zip(parts[::2], parts[1::2], strict=True)
    return [(title, code) for title, text in under for code in BLOCK.findall(text)]


def drawn(code: str) -> list[Section]:
    known: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), known)
    if "section" in known:
        return [known["section"]]
    view = SimpleNamespace(metrics=lambda scope: {"error": [(1, 0.5), (2, 0.25)]}, result=None)
    return list(known["report"](view))


@pytest.mark.parametrize("title, code", blocks())
def test_a_block_draws_its_section(title: str, code: str) -> None:
    shown = drawn(code)
    page = render("gallery", shown)
    ElementTree.fromstring(page)
    pictures = sum(_pictures(block) for one in shown for block in one.content)
    assert page.count("<svg") == 2 * pictures
    assert "no data to show" not in page
    assert "left out" not in page


def _pictures(block: sections.Block) -> int:
    if isinstance(block, sections.Frames):
        return len(block.plots)
    return isinstance(block, sections.Plot | sections.HeatMap)


def test_the_gallery_has_every_kind_of_block_and_style() -> None:
    text = "\n".join(code for _, code in blocks())
    kinds = {kind.__name__ for kind in sections.Block.__args__}
    assert [kind for kind in sorted(kinds) if f"{kind}(" not in text] == []
    for setting in ("log_x=True", "log_y=True", "equal=True", "categories=", '"bars"', '"points"',
                    '"step"'):  # fmt: skip
        assert setting in text, setting
