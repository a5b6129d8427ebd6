"""The one error of loss expressions."""


class LossExpressionError(ValueError):
    """A loss expression that cannot be: the message names the part and what was expected."""
