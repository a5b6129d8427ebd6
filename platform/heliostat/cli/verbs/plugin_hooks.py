"""`heliostat plugins hooks`: the reference of all hooks."""

from __future__ import annotations

import click

from heliostat.terminal import say


@click.command()
def hooks() -> None:
    """Print the reference of all hooks and kinds of parts as Markdown."""
    from heliostat.plugins.reference import markdown

    say(*markdown().splitlines())
