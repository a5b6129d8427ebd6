"""The blocks of the method's page run, and give what the page says."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "adalfl.md"


def test_the_loops_of_the_page_run_and_the_first_one_learns_digits() -> None:
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    body, last = first.rstrip().rsplit("\n", 1)
    names: dict[str, Any] = {}
    exec(compile(body, PAGE.name, "exec"), names)
    assert float(eval(last, names)) > 0.8
    exec(compile(second, PAGE.name, "exec"), names)
    assert len(names["history"]) == 20 and all(map(math.isfinite, names["history"]))
    said = names["said"]
    assert said.number == 0 and said.ratio > 0 and -1 <= said.cos <= 1
    assert names["state"]["number"] == 1
