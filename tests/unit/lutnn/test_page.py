"""The blocks of the method's page run, and give what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "lutnn.md"


def test_the_library_of_the_page_runs() -> None:
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, Any] = {}
    exec(compile(first, PAGE.name, "exec"), names)
    assert [one.name for one in names["done"].converted] == ["0", "2"]
    assert set(names["course"].temperatures) == {"0", "2"}
    dense, frozen = names["compare"](
        {"dense": names["net"], "frozen": names["frozen"]}, names["x"][1400:], names["y"][1400:],
        turns=1,
    )  # fmt: skip
    assert dense.accuracy > 0.8 and frozen.accuracy > 0.8 and frozen.bytes < dense.bytes
    exec(compile(second, PAGE.name, "exec"), names)
    assert names["same"] and names["near"]
