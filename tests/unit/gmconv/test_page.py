"""The blocks of the method's page run, and give what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "gmconv.md"


def test_the_library_of_the_page_runs_and_folds_to_the_bit() -> None:
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, Any] = {}
    exec(compile(first, PAGE.name, "exec"), names)
    assert names["same"] and float(names["accuracy"]) > 0.5
    assert names["done"].skipped == () and names["seen"].radius > 0
    exec(compile(second, PAGE.name, "exec"), names)
    assert names["dynamic"].last_sigma.shape == (4, 1)
    told = re.search(r"kernel_variance\(3\)  # ([\d.]+)", second)
    assert told is not None and names["kernel_variance"](3) == float(told.group(1))
