"""What code of strangers changes of the process is put back, and named."""

from __future__ import annotations

import builtins
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from heliostat.process import state
from heliostat.process.guard import contained
from heliostat.process.state import held

PUT_BACK = ", which other code depends on; it was put back"
CHANGES: dict[str, Callable[[], object]] = {
    "the recursion limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 7),
    "the limit of digits": lambda: sys.set_int_max_str_digits(700),
    "the switch interval": lambda: sys.setswitchinterval(0.5),
    "the working directory": lambda: os.chdir("/"),
    "the import path": lambda: sys.path.clear(),
    "environment variables": lambda: os.environ.update(HELIOSTAT_CACHE="/", OMP_NUM_THREADS="7"),
    "warnings that are errors": lambda: warnings.simplefilter("error"),
    "standard error": lambda: setattr(sys, "stderr", None),
    "built-in names": lambda: setattr(builtins, "open", print),
    "garbage collection": gc.disable,
    "limits of the process": lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    ),
    "the timeout of sockets": lambda: socket.setdefaulttimeout(0.01),
    "numpy's errors": lambda: np.seterr(all="raise"),
    "mpmath's precision": lambda: setattr(mpmath.mp, "prec", 20),
    "torch's default type": lambda: torch.set_default_dtype(torch.float64),
    "torch's default device": lambda: torch.set_default_device("meta"),
    "torch's gradients": lambda: torch.set_grad_enabled(False),
    "torch's precision of products": lambda: torch.set_float32_matmul_precision("medium"),
    "torch's deterministic algorithms": lambda: torch.set_deterministic_debug_mode(1),
    "tiny numbers": lambda: torch.set_flush_denormal(True),
}


def readings() -> dict[str, Any]:
    return {aspect.name: aspect.read() for aspect in state.ASPECTS}


@pytest.mark.parametrize("name", CHANGES)
def test_each_thing_is_put_back_and_named(name: str) -> None:
    before, changed = readings(), list[str]()
    with held(changed.append):
        CHANGES[name]()
        assert readings()[name] != before[name]
    assert changed == [name + PUT_BACK]
    assert readings() == before


def test_what_adds_to_the_process_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    changed: list[str] = []
    with held(changed.append):
        sys.path.insert(0, "/another")
        warnings.filterwarnings("ignore", "a library's own")
        os.environ["ANOTHER"] = "1"
        builtins.another = 3  # type: ignore[attr-defined]
    assert changed == []
    assert sys.path[0] == "/another"
    del os.environ["ANOTHER"], builtins.another  # type: ignore[attr-defined]


def test_an_alarm_that_would_end_the_process_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.setitimer(signal.ITIMER_REAL, 0)  # of a test that takes too long
    changed: list[str] = []
    with held(changed.append):
        signal.alarm(3600)
    assert signal.setitimer(signal.ITIMER_REAL, *before)[0] == 0
    assert changed == ["an alarm" + PUT_BACK]


def test_a_session_of_ray_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    session = SimpleNamespace(there=False)
    session.is_initialized = lambda: session.there
    session.shutdown = lambda: setattr(session, "there", False)
    monkeypatch.setitem(sys.modules, "ray", session)
    changed: list[str] = []
    with held(changed.append):
        session.there = True
    assert (changed, session.there) == (["a Ray session" + PUT_BACK], False)


def test_a_library_that_is_loaded_inside_is_taken_to_begin_with_its_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    changed: list[str] = []
    with held(changed.append):
        sys.modules["torch"] = torch
        torch.set_default_dtype(torch.float64)
    assert changed == ["torch's default type" + PUT_BACK]
    assert torch.get_default_dtype() == torch.float32


def test_a_thread_as_of_a_sub_search_puts_back_as_well() -> None:
    changed: list[str] = []

    def change() -> None:
        with held(changed.append):
            os.environ["OMP_ANOTHER"] = "1"

    thread = threading.Thread(target=change)
    thread.start()
    thread.join()
    assert changed == ["environment variables" + PUT_BACK]
    assert "OMP_ANOTHER" not in os.environ


def test_a_limit_that_is_lowered_for_good_is_not_said_to_be_put_back() -> None:
    """In a process of its own, which it spoils."""
    program = """
import resource
from heliostat.process.state import held

with held(print):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "limits of the process, which cannot be put back, so this run may end by it\n"
    ), done.stderr


def test_what_is_run_for_a_plugin_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with contained("loss mine: build"):
        torch.set_default_dtype(torch.float64)
    assert torch.get_default_dtype() == torch.float32
    assert capsys.readouterr().err == (
        "note: loss mine: build changed torch's default type, which other code depends on; it was "
        "put back\n"
    )
