"""What doctor says of fonts."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliostat_methods.strokegan.fonts import finding
from heliostat_methods.strokegan.fonts.catalogue import FontStatus, font_statuses
from heliostat_methods.strokegan.fonts.finding import findings


def test_fonts_that_are_there_are_named_and_one_that_is_not_with_its_package(
    tmp_path: Path,
) -> None:
    (tmp_path / "gbsn00lp.ttf").touch()
    (one,) = findings(font_statuses([tmp_path]))
    assert (one.name, one.state) == ("fonts", "ok")
    assert "2 embedded, 1 of 32 others: gbsn00lp; " in one.found
    assert "one more: apt-get install fonts-arphic-gkai00mp" in one.found


def test_without_any_the_variable_is_named(tmp_path: Path) -> None:
    (one,) = findings(font_statuses([tmp_path]))
    assert "0 of 32 others; one more: apt-get install" in one.found
    assert "folders of your own: HELIOSTAT_FONTS" in one.found


def test_with_all_of_them_nothing_more_is_offered(tmp_path: Path) -> None:
    every = [FontStatus(one.font, tmp_path) for one in font_statuses([tmp_path])]
    assert "one more" not in findings(every)[0].found


def test_packages_that_are_missing_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(finding.PACKAGES, "module_that_is_not_there", "its-package")
    assert findings()[0].found.endswith("to draw them: pip install its-package")
