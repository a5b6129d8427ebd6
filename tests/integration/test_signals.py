"""Signals until the very end of a run: the second ends at once, a closed terminal interrupts."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
from typing import Any

import numpy as np
import pytest

from heliostat.engine.stopping import stoppable
from heliostat.executors.ray.surroundings import left_alone


class Asked:
    """As much of an engine as stopping looks at."""

    stopping = False

    def stop(self) -> None:
        self.stopping = True


def test_the_second_signal_ends_at_once_also_when_the_search_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[object] = []

    def leave(code: int) -> None:
        left.append(code)

    monkeypatch.setattr(os, "_exit", leave)
    engine: Any = Asked()
    with stoppable(engine, lambda: left.append("last words")) as search_is_over:
        os.kill(os.getpid(), signal.SIGINT)
        assert engine.stopping
        search_is_over()
        assert left == []
        os.kill(os.getpid(), signal.SIGHUP)  # a terminal that closes is no second one
        assert left == []
        os.kill(os.getpid(), signal.SIGINT)
        assert left == ["last words", 130]


def test_a_hang_up_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        engine: Any = Asked()
        with stoppable(engine, lambda: None):
            os.kill(os.getpid(), signal.SIGHUP)
            assert not engine.stopping
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_marks_the_run_interrupted(cli: Any) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        cli.command(
            "run", "count", "-o", "rounds=1000", "-o", "seconds=0.1", "--workers", "serial"
        ),
        cwd=cli.folder,
        env=cli.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(theirs)
    said = b""
    while b"waiting for" not in said:  # it is at work, so it minds signals
        said += os.read(ours, 1000)
    os.close(ours)  # the kernel sends SIGHUP, and every write to the terminal fails
    assert process.wait(timeout=120) == 130
    (run,) = cli.here.json("ls")
    assert run["state"] == "interrupted"


def test_what_ray_changes_in_the_driver_is_put_back() -> None:
    before = random.getstate(), str(np.random.get_state()), signal.getsignal(signal.SIGTERM)
    with left_alone():
        random.random()
        np.random.rand()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert signal.SIGHUP in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    now = random.getstate(), str(np.random.get_state()), signal.getsignal(signal.SIGTERM)
    assert now == before
