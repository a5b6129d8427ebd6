"""Durations as people write them."""

from __future__ import annotations

import pytest

from heliostat_methods.tune.durations import duration_text, read_duration


@pytest.mark.parametrize(("text", "seconds"), [
    ("90s", 90), ("30min", 1800), ("2h", 7200), ("1h30min", 5400), ("1.5h", 5400), ("1d", 86400),
    ("2 h", 7200),
])  # fmt: skip
def test_a_text_says_seconds(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "2m", "h", "-2h", "2h5", "2hours", "1e3s"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="30min"):
        read_duration(text)


def test_a_number_is_seconds() -> None:
    assert read_duration(2.5) == 2.5 and read_duration(None) is None


@pytest.mark.parametrize("text", ["90s", "30min", "2h", "1h30min", "1d2h"])
def test_what_is_shown_reads_back(text: str) -> None:
    assert read_duration(duration_text(read_duration(text))) == read_duration(text)
    assert duration_text(0.5) == "0.5s"
