"""Calling a plugin's functions in this process: whatever they raise is what a rule has seen."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import heliostat
import heliostat_kit
from heliostat.errors import HeliostatError, told
from heliostat.process.guard import arrivals
from heliostat.worker.limits import DeadlineReached, limited
from heliostat_kit.verdict import Broken, NotJudged

_OWN = tuple(str(Path(p.__path__[0])) + os.sep for p in (heliostat, heliostat_kit))
_LIBRARY = sysconfig.get_path("stdlib")


@contextmanager
def calls(what: str, seconds: float = 0) -> Iterator[None]:
    """Raise Broken that names `what` and the line where code inside raises or does not end.

    SystemExit and the like are a plugin's mistakes as any other, unless a signal arrived.
    """
    with arrivals() as arrived:
        try:
            with limited(seconds, 0):
                yield
        except (Broken, NotJudged):
            raise
        except DeadlineReached as error:
            raise Broken(f"{what} was not done after {seconds:g} seconds{_line(error)}") from error
        except HeliostatError as error:
            raise Broken(f"{told(error)}{_line(error)}") from error
        except BaseException as error:
            if arrived and not isinstance(error, Exception):
                raise
            where = _line(error) or " (not in the plugin's own code: please report it)"
            raise Broken(f"{what} raised {told(error)}{where}") from error


def _line(error: BaseException) -> str:
    """Return where an error came up: the last line that is neither Heliostat's nor Python's."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((*_OWN, "<frozen"))
        and (not frame.filename.startswith(_LIBRARY) or "site-packages" in frame.filename)
    ]
    if not frames:
        return ""
    last = frames[-1]
    return f" ({last.name}, line {last.lineno} of {Path(last.filename).name})"
