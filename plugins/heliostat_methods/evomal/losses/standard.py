"""The losses that a task is usually trained with, as trees."""

STANDARD_TREES = {"mse": "square(sub(y, f))", "cross_entropy": "mul(-1, mul(y, log(f)))"}
"""The loss parts that are trees as well."""
USUAL = {"regression": "mse", "classification": "cross_entropy"}
"""The standard loss of each kind of task."""
