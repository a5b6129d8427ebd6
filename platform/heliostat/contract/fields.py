"""What the fields of a spec may hold, judged when it is made.

Declared types are promises that nothing else keeps: a wrong field found here names the plugin;
found later, in the middle of a run, it would look like a mistake of the core.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from heliostat.errors import PluginError
from heliostat.names import is_method_name


class Fields:
    """The fields of one offer; raises PluginError naming the first that is not what it should be.

    `what` is how the offer is called in the message: ``method 'my_method'``.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def unless(self, good: bool, field: str, value: object, expected: str) -> None:
        """Raise unless a field is good."""
        if not good:
            raise PluginError(f"{self._what}: {field} = {short(value)}: expected {expected}")

    def identifier(self, field: str, value: object) -> None:
        """Raise unless a field is a name such as a method's."""
        expected = "a lower-case letter, then at most 63 lower-case letters, digits and '_'"
        self.unless(is_method_name(value), field, value, expected)

    def name(self, field: str, value: object, pattern: re.Pattern[str], expected: str) -> None:
        """Raise unless a field is a name of that pattern."""
        good = isinstance(value, str) and pattern.match(value) is not None
        self.unless(good, field, value, expected)

    def text(self, field: str, value: object) -> None:
        """Raise unless a field is text."""
        self.unless(isinstance(value, str), field, value, "text")

    def function(self, field: str, value: object) -> None:
        """Raise unless a field is a function or None."""
        self.unless(value is None or callable(value), field, value, "a function or None")

    def model(self, field: str, value: object, expected: str) -> None:
        """Raise unless a field is a class of configurations."""
        good = isinstance(value, type) and issubclass(value, BaseModel)
        self.unless(good, field, value, f"a subclass of {expected}")

    def mapping(self, field: str, value: Any, kind: type[Any], expected: str) -> None:
        """Raise unless a field holds entries of that kind by name."""
        self.unless(isinstance(value, Mapping), field, value, f"{expected} by name")
        for name, entry in value.items():
            self.unless(isinstance(name, str), field, name, "text as a name")
            self.unless(isinstance(entry, kind), f"{field}[{short(name)}]", entry, expected)

    def sequence(self, field: str, value: Any, kind: type[Any], expected: str) -> None:
        """Raise unless a field is a list of entries of that kind."""
        self.unless(isinstance(value, list | tuple), field, value, "a list")
        for entry in value:
            self.unless(isinstance(entry, kind), field, entry, expected)


def short(value: object) -> str:
    """Return a stranger's object as a message shows it."""
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
