"""What is raised where numbers ran away, so that a search can tell it from a mistake."""

from __future__ import annotations


class NotFiniteError(ValueError):
    """Numbers that are not finite where finite ones are expected."""
