"""Files that are no files: refused at once, since whoever opens one waits for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HANGS_SECONDS = 60


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[str]:
    """A FIFO that nobody writes to; a command that waits for it is ended by an alarm."""
    os.mkfifo(tmp_path / "fifo.toml")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(HANGS_SECONDS)
    yield "fifo.toml"
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("run", "{}", "--workers", "serial"), 2),
        (("config", "check", "{}"), 2),
        (("config", "check", "/dev/zero"), 2),
        (("run", "evomal", "--preset", "smoke", "-o", 'datasets=["csv:{}"]'), 2),
        (("cluster", "check", "{}"), 6),
    ],
)
def test_a_fifo_or_a_device_is_refused(
    here: Any, fifo: str, command: tuple[str, ...], code: int
) -> None:
    done = here(*(word.format(fifo) for word in command))
    assert "no regular file" in done.stdout + done.stderr
    assert done.returncode == code


def test_so_is_a_surface_of_volatilities(tmp_path: Path, fifo: str) -> None:
    from heliostat_methods.step_options.contracts.validation import InvalidInput
    from heliostat_methods.step_options.contracts.volatility_surface import read_surface

    with pytest.raises(InvalidInput, match="it is a FIFO, and no regular file"):
        read_surface(tmp_path / fifo)
