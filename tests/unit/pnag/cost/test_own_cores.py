from __future__ import annotations

import os
import time

import pytest

from heliostat_methods.pnag.cost.own_cores import OwnCores, pinned


def test_this_process_s_own_work_keeps_no_core_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    others, spent = [100.0], [0.0]
    cores = OwnCores()
    count = len(os.sched_getaffinity(0))
    monkeypatch.setattr(cores, "_others", lambda: others[0])
    monkeypatch.setattr(time, "monotonic", lambda: spent[0])
    cores.begin()
    spent[0], others[0] = 10.0, 105.0
    assert cores.free() == pytest.approx(count - 0.5)
    others[0] = 1e9
    assert cores.free() == 0.0
    others[0] = 90.0  # the clocks of a kernel's counters tick apart
    assert cores.free() == count


def test_one_thread_is_kept_on_one_core_and_let_go_again() -> None:
    before = os.sched_getaffinity(0)
    with pinned(1):
        assert os.sched_getaffinity(0) == {max(before)}
    assert os.sched_getaffinity(0) == before
    with pinned(2):
        assert os.sched_getaffinity(0) == before
    with pytest.raises(ZeroDivisionError), pinned(1):
        _ = 1 / 0
    assert os.sched_getaffinity(0) == before
