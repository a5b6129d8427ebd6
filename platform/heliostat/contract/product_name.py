"""How a configuration names what a run left: ``run:RUN/PRODUCT?key=value&key=value``.

What follows the question mark are parameters of the kind of product, in short for a table
``{name = "run:RUN", key = value}``. A value that holds ``&`` is written in the table.
"""

from __future__ import annotations

from typing import Any

from heliostat.contract.toml_text import toml_value
from heliostat.errors import shown

PRODUCT = "run:"
"""What the name of a product begins with."""
_PLAIN = (str, int, float, bool, list, dict)


def is_product(name: str) -> bool:
    """Return whether a part's name is that of a product."""
    return name.startswith(PRODUCT)


def read_parameters(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a part, and the parameters that the name of a product carries.

    Raises ValueError for parameters that are not written as key=value.
    """
    if not is_product(text) or "?" not in text:
        return text, {}
    name, _, written = text.partition("?")
    found: dict[str, Any] = {}
    for one in written.split("&"):
        key, equals, value = one.partition("=")
        if not equals or not key.isidentifier() or key == "name":
            raise ValueError(f"{name}?key=value&key=value, not {shown(one)}")
        if key in found:
            raise ValueError(f"every parameter once, {key} is given twice")
        found[key] = _value(value)
    return name, found


def _value(text: str) -> Any:
    value = toml_value(text)
    return value if isinstance(value, _PLAIN) else text  # a date is what the product makes of it
