"""Killing the workers of a Ray cluster that runs on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import psutil


def kill_a_worker(but: Sequence[int]) -> list[int]:
    """Kill a process that works on a task; one that was killed before may still be dying."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # others come and go meanwhile
            works = " ".join(process.cmdline()).startswith("ray::_run_chunk")
            if works and process.pid not in but:
                process.kill()
                return [process.pid]
    return []
