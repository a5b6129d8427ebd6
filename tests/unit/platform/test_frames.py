"""A failed task's message quotes the task's own code."""

from __future__ import annotations

import traceback as tracebacks

import pytest

from heliostat.errors import EncodingError
from heliostat.values.frames import own_frames, told_frames
from heliostat.worker.evaluate import where_defined

ENGINE = (
    '  File "/usr/lib/python3/dist-packages/heliostat/worker/evaluate.py", line 33, in evaluate'
)
NUMPY = '  File "/v/lib/python3.11/site-packages/numpy/linalg/_linalg.py", line 90, in solve'


def traceback(*frames: str) -> str:
    return "\n".join(["Traceback (most recent call last):", *frames, "ValueError: no"])


def frame(file: str, line: int, name: str) -> str:
    return f'  File "{file}", line {line}, in {name}\n    code of {name}\n    ^^^^'


def test_frames_of_engine_and_libraries_are_left_out() -> None:
    text = traceback(ENGINE, frame("/home/me/pricing.py", 7, "price"), NUMPY)
    assert told_frames(text).splitlines() == [
        '  File "/home/me/pricing.py", line 7, in price',
        "    code of price",
    ]


def test_the_last_frames_stay() -> None:
    text = traceback(ENGINE, *(frame("/home/me/a.py", n, f"f{n}") for n in range(9)))
    assert [f.name for f in own_frames(text)] == ["f6", "f7", "f8"]


def test_an_installed_plugin_is_the_tasks_own_code() -> None:
    inside = "/v/lib/python3.11/site-packages/my_plugin/tasks.py"
    text = traceback(ENGINE, frame(inside, 3, "fit"), frame(inside, 9, "step"), NUMPY)
    assert [f.name for f in own_frames(text)] == ["fit", "step"]


def test_of_chained_errors_the_last_one_counts() -> None:
    first = traceback(ENGINE, frame("/home/me/a.py", 1, "cause"))
    text = first + "\n\nDuring handling ...\n\n" + traceback(frame("/home/me/a.py", 2, "effect"))
    assert [f.name for f in own_frames(text)] == ["effect"]


def test_without_frames_of_its_own_there_is_nothing_to_quote() -> None:
    assert told_frames(traceback(ENGINE)) == ""
    assert told_frames("") == ""
    assert told_frames("no traceback at all") == ""


def fails_twice() -> None:
    try:
        raise ValueError("one")
    except ValueError as error:
        raise ExceptionGroup("both", [error, KeyError("two")]) from None


def test_a_group_of_errors_has_its_own_frames_and_those_of_its_first() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        fails_twice()
    text = "".join(tracebacks.format_exception(caught.value))
    told = told_frames(text)
    assert told.count("in fails_twice") == 2
    assert 'raise ExceptionGroup("both"' in told
    assert 'raise ValueError("one")' in told
    assert __file__ in told


def test_a_value_that_cannot_be_stored_names_its_task() -> None:
    told = told_frames(where_defined(fails_twice, EncodingError("an object cannot be stored")))
    line = fails_twice.__code__.co_firstlineno
    assert told.splitlines() == [
        f'  File "{__file__}", line {line}, in fails_twice',
        "    def fails_twice() -> None:",
    ]
