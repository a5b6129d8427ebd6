"""A value as TOML writes it, or plain text where it is none: what options and short forms hold."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from heliostat.errors import ConfigError

_POINTED = re.compile(r"[+-]?([0-9]+\.|\.[0-9]+)([eE][+-]?[0-9]+)?")


def toml_value(text: str) -> Any:
    """Return a TOML value, or the text itself where it is none (so strings need no quotes)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # no TOML, or a number of too many digits
        text = text.strip()
        # TOML wants digits on both sides of the point, and people leave one side out
        return float(text) if _POINTED.fullmatch(text) else text
    except RecursionError:
        raise ConfigError("value", text, "tables and lists in a few levels") from None
