"""The blocks of the method's page run, and give what the page says."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "amplitudes.md"


def test_the_library_of_the_page_runs() -> None:
    first, second, third = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, Any] = {}
    exec(compile(first, PAGE.name, "exec"), names)
    assert names["gluons"] == names["lifted"].value == Fraction(-24263959, 27873846)
    assert names["same"] and str(names["double"]) == "3257519/39182663520"
    assert names["limit"].residue == names["limit"].amplitude
    exec(compile(second, PAGE.name, "exec"), names)
    exec(compile(third, PAGE.name, "exec"), names)
    assert names["at_four"] == Fraction(-1197767, 7506135)
    assert names["error"].max() < 1e-9 and names["doubtful"].sum() < 10
