"""The rate and the time left that a search shows."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from heliostat.cli import progress
from heliostat.cli.progress import PlainProgress
from heliostat.cli.progress_lines import line
from heliostat.store.pace import Pace, phase_text, read_phase


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_time_left_follows_the_steps_since_the_first_report() -> None:
    search = Pace(0.0)  # set-up takes 100 s
    search.take(1, 11, 5.0, {}, 100.0)
    search.take(3, 11, 15.0, {}, 104.0)
    assert search.seconds_left() == pytest.approx(16.0)
    assert search.seconds_left(108.0) == pytest.approx(32.0)
    assert search.rate() == pytest.approx(2.5)
    assert search.rate(108.0) == pytest.approx(1.25)


def test_a_new_phase_counts_from_its_own_beginning() -> None:
    search = Pace(0.0)
    search.take(1, 3, 10.0, {"best": 0.5}, 0.0)
    search.take(3, 3, 30.0, {"best": 0.5}, 1000.0)
    search.take(1, 5, None, {"trained": 1.0}, 1001.0)
    assert search.seconds_left() is None
    assert search.rate() is None
    assert search.metrics == {"trained": 1.0}
    search.take(2, 5, None, {"trained": 2.0}, 1003.0)
    assert search.seconds_left() == pytest.approx(6.0)


def test_a_phase_by_name_begins_at_step_zero() -> None:
    search = Pace(0.0)
    search.begin("digits: searching")
    search.take(7, 9, 10.0, {"loss": 0.5}, 5.0)
    search.begin("digits: comparing")
    assert (search.phase, search.step, search.of) == ("digits: comparing", 0, None)
    search.take(9, 9, 1.0, {"loss": 0.7}, 6.0)
    assert (search.least, search.most) == ({"loss": 0.7}, {"loss": 0.7})
    assert search.rate() is None


@pytest.mark.parametrize("scope, name", [((), "training"), ((2, 0), "digits: a 1.5 b")])
def test_the_text_of_a_phase_reads_back(scope: tuple[int, ...], name: str) -> None:
    assert read_phase(phase_text(scope, name)) == (scope, name)


@pytest.mark.parametrize("text", ["", "x", "1..2 y", "-1 y", "٣ y"])
def test_another_text_is_a_phase_of_the_main_search(text: str) -> None:
    assert read_phase(text) == ((), text)


@pytest.fixture
def shown(clock: Clock) -> PlainProgress:
    method: Any = SimpleNamespace(unit="candidates", methods_run=())
    return PlainProgress(method)


def test_a_new_phase_is_said_at_once(
    shown: PlainProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.now = 10.0
    shown.on_report((), 5, 5, None, {"best": 0.5})
    clock.now = 10.1
    shown.on_report((), 0, 40, None, {"losses": 8.0})
    shown.on_report((), 1, 40, None, {"losses": 8.0})
    assert capsys.readouterr().err.splitlines() == ["step 5/5  best 0.5", "step 0/40  losses 8"]


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_phase_by_name_is_said_when_it_begins_and_then_in_its_lines(
    shown: PlainProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown.on_phase((), "digits: searching")
    for step in range(11):
        clock.now += 3.0
        shown.on_report((), step, 10, None, {})
    first, *others = said(capsys)
    assert first == "digits: searching"
    assert others[0].startswith("digits: searching  step 1/10")
    assert len(others) == 10


def test_there_is_a_line_every_tenth_of_a_phase(
    shown: PlainProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in range(1001):
        clock.now += 0.5
        shown.on_report((), step, 1000, None, {})
    steps = [int(line.split()[1].partition("/")[0]) for line in said(capsys)]
    assert set(range(0, 1001, 100)) <= set(steps)
    gaps = [after - before for before, after in pairwise(steps)]
    assert max(gaps) <= 60  # steps of 0.5 s in 30 s
    assert len(steps) <= 11 + 500 / 30


def test_there_is_a_line_every_half_minute_of_slow_steps_and_of_none(
    shown: PlainProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown.on_phase((), "adult: tuning fams")
    said(capsys)
    for step in range(1, 4):
        clock.now += 31.0
        shown.on_report((), step, 1000, None, {})
        assert len(said(capsys)) == 1
    shown.on_commit([SimpleNamespace(failure=None), SimpleNamespace(failure="x")])  # type: ignore[list-item]
    for _ in range(120):
        clock.now += 1.0
        shown.on_tick()
    lines = said(capsys)
    assert len(lines) == 4
    assert all(line.startswith("adult: tuning fams  step 3/1000") for line in lines)
    assert all("2 tasks done  1 failed" in line for line in lines)


def test_many_sub_searches_and_short_phases_are_no_wall(
    shown: PlainProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in range(20):
        for number in range(200):
            clock.now += 0.05
            shown.on_report((0, number), step, 20, None, {"best": 0.5})
    seconds, lines = clock.now, said(capsys)
    assert 40 <= len(lines) <= 41 + seconds / 30
    for number in range(1000):
        clock.now += 0.01
        shown.on_phase((), f"data set {number}")
    assert len(said(capsys)) < 60


def test_an_event_is_one_line(shown: PlainProgress, capsys: pytest.CaptureFixture[str]) -> None:
    shown.on_event("worker_lost", "item 3.1\n  died\n\nby signal 9")
    assert said(capsys) == ["note: item 3.1; died; by signal 9; it is being retried"]


def test_a_long_phase_leaves_room_for_the_rest_of_its_line() -> None:
    pace = Pace(0.0, "p" * 500 + "\x1b[2J")
    pace.take(3, 9, None, {}, 1.0)
    text = line((), pace, "items", 1.0)
    assert text.startswith("ppp") and text.endswith("..  step 3/9")
    assert len(text) < 60


def test_a_line_of_many_metrics_stays_within_80_columns() -> None:
    pace = Pace(0.0, "digits: searching")
    for step in (1, 2):
        metrics = {f"metric_{number}": 1.5 * number for number in range(20)}
        pace.take(step, 51, 10.0 * step, metrics, 2.0 * step)
    said = line((0, 1), pace, "items", 4.0)
    assert len(said) <= 79
    assert said == "[0.1]  digits: searching  step 2/51  metric_0 0  5 items/s  1 min 38 s left"
