"""The rate and the time left that a search shows."""

from types import SimpleNamespace

import pytest

from heliostat.cli import progress
from heliostat.cli.progress import PlainProgress, duration
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


def test_a_new_phase_is_said_at_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    shown = PlainProgress(SimpleNamespace(unit="candidates", methods_run=()))  # type: ignore[arg-type]
    clock.now = 10.0
    shown.on_report((), 5, 5, None, {"best": 0.5})
    clock.now = 10.1
    shown.on_report((), 0, 40, None, {"losses": 8.0})
    shown.on_report((), 1, 40, None, {"losses": 8.0})
    assert capsys.readouterr().err.splitlines() == ["step 5/5  best 0.5", "step 0/40  losses 8"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_a_time_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
