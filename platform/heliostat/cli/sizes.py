"""Bytes and times as people write and read them."""

from __future__ import annotations

import re

from heliostat.errors import ConfigError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds_in(field: str, text: str) -> float:
    """Return the seconds of a text such as 30d, 12h or 90m; raises ConfigError."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw])", text)
    if found is None:
        raise ConfigError(field, text, "a time such as 30d, 12h or 90m")
    return float(found[1]) * _UNITS[found[2]]
