"""A user's own operations: parts of kind `primitive`, built and joined to a set of primitives."""

from __future__ import annotations

from typing import Any

from heliostat import ConfigError, PartRef, Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.operations import Operation, extended
from heliostat_methods.evomal.losses.primitives import LossExpressionError


def with_operations(config: EvoMALConfig, run: Run) -> EvoMALConfig:
    """Return the settings with the table of primitives that they name.

    Raises ConfigError for a part that is no operation, or that cannot be computed.
    """
    refs = config.own_operations
    if not refs:
        return config
    operations = [operation_of(run.part("primitive", ref), ref) for ref in refs]
    try:
        table = extended(config.table_name, operations)
    except LossExpressionError as error:
        names = [ref.name for ref in config.primitives]
        raise ConfigError(
            "primitives", names, "operations of different names", str(error)
        ) from None
    return config.with_table(table.name)


def operation_of(part: Any, ref: PartRef) -> Operation:
    """Return a part of kind `primitive` as an operation; raises ConfigError for no such."""
    if isinstance(part, Operation):
        return part
    missing = [name for name in ("name", "arity", "expression") if not hasattr(part, name)]
    if missing:
        raise ConfigError("primitives", ref.name, "a part with name, arity and expression",
                          f"it lacks {' and '.join(missing)}")  # fmt: skip
    try:
        return Operation(part.name, part.arity, part.expression)
    except LossExpressionError as error:
        raise ConfigError(
            "primitives", ref.name, "an operation that SymPy can write", str(error)
        ) from None
