"""Fields of a method given as options: `--relation kk` beside `-o relation=kk`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click


def as_overrides(given: Sequence[str], fields: Iterable[str], context: click.Context) -> list[str]:
    """Return KEY=VALUE for what click left over: `--field value` or `--field=value`.

    Dashes stand for underscores. A name that is neither an option nor a field, and a word that
    belongs to none, are errors that name what is near.
    """
    known = {name.replace("_", "-"): name for name in fields}
    made, rest = [], list(given)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise click.UsageError(f"Got unexpected extra argument ({word})", context)
        name, equals, value = word[2:].partition("=")
        field = known.get(name.replace("_", "-"))
        if field is None:
            options = [text for option in context.command.params for text in option.opts]
            raise _no_such(f"--{name}", [*options, *(f"--{one}" for one in known)], context)
        if not equals:
            if not rest:
                raise click.UsageError(f"Option '--{name}' requires an argument.", context)
            value = rest.pop(0)
        made.append(f"{field}={value}")
    return made


def _no_such(name: str, known: Sequence[str], context: click.Context) -> click.NoSuchOption:
    from difflib import get_close_matches

    near = get_close_matches(name, [one for one in known if one.startswith("--")])
    return click.NoSuchOption(name, possibilities=near, ctx=context)
