"""`heliostat compare`: what differs between two runs, side by side where it fits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from heliostat.cli.verbs.inspect import print_stored
from heliostat.contract.commands import json_option, runs_option
from heliostat.terminal import say

WIDEST = 36
"""Characters of a value that stands in a column; a longer one gets a line of its own."""
GAP = 2


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@runs_option
@json_option
def compare(first: str, second: str, runs: Path | None, as_json: bool) -> None:
    """Compare two runs: what differs in configuration, code, inputs, digest and result."""
    from heliostat.driver.configuration import first_change
    from heliostat.plugins.registry import registry
    from heliostat.store.folder import find, runs_root
    from heliostat.store.view import RunView
    from heliostat.worker.fingerprint import first_difference

    a, b = (RunView(find(name, runs_root(runs))) for name in (first, second))
    fields = sorted({*a.config, *b.config})
    config = {
        name: [a.config.get(name), b.config.get(name)]
        for name in fields
        if a.config.get(name) != b.config.get(name)
    }
    account: dict[str, Any] = {
        "runs": [a.id, b.id],
        "method": [a.method, b.method],
        "seed": [a.seed, b.seed],
        "digest": [a.digest, b.digest],
        "numerics": [a.about.numerics or None, b.about.numerics or None],
        "equal": a.digest is not None and a.digest == b.digest,
        "config": config,
        "inputs_differ": a.inputs != b.inputs,
        "code": first_difference(a.sources(), b.sources()),
        "outputs": _outputs(a, b, registry()),
        "first_difference": _first_row(a, b) if first_change(a.config, b.config) is None else None,
    }
    if account["equal"] and account["first_difference"]:
        for view in (a, b):  # one of them has lost what its digest was made of, and says so
            for _ in view.outcomes():
                pass
    if as_json:
        print_stored(a, account)
        return
    for line in _lines(account):
        say(line)


def _lines(account: Mapping[str, Any]) -> Iterator[str]:
    rows = [(name, *account[name]) for name in ("method", "seed", "digest", "numerics")]
    rows += [row for name, pair in account["config"].items() for row in _changes(name, *pair)]
    rows += [(name, *pair) for name, pair in account["outputs"].items()]
    yield from side_by_side(account["runs"], rows)
    if account["inputs_differ"]:
        yield "files or products that the configurations name differ"
    if account["code"]:
        yield f"code differs, first in {account['code']}"
    if account["first_difference"]:
        yield f"first outcome that differs: {account['first_difference']}"
    yield "equal results, bit for bit" if account["equal"] else "results differ"


def side_by_side(heads: Sequence[str], rows: Sequence[tuple[str, Any, Any]]) -> Iterator[str]:
    """Yield the lines of a table with two columns of values; nothing is cut.

    A value too long for a column stands below its name, with the one that it is compared with.
    """
    texts = [(name, *_texts(left, right)) for name, left, right in rows]
    short = [row for row in texts if max(len(row[1]), len(row[2])) <= WIDEST]
    name_width = max([len(name) for name, _, _ in texts], default=0) + GAP
    left_width = max([len(left) for _, left, _ in short] + [len(heads[0])]) + GAP
    yield f"{'':<{name_width}}{heads[0]:<{left_width}}{heads[1]}"
    for row in texts:
        name, left, right = row
        if row in short:
            yield f"{name:<{name_width}}{left:<{left_width}}{right}".rstrip()
        else:
            yield name
            yield f"{'':<{name_width}}{left}"
            yield f"{'':<{name_width}}{right}"


def _changes(name: str, left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs within tables, each under the name that `-o` sets it by."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in dict.fromkeys([*left, *right]):
            if left.get(key) != right.get(key):
                yield from _changes(f"{name}.{key}", left.get(key), right.get(key))
    else:
        yield name, left, right


def _texts(left: Any, right: Any) -> tuple[str, str]:
    texts = _text(left), _text(right)
    if texts[0] == texts[1] and left != right:  # six digits do not tell them apart
        return repr(left), repr(right)
    return texts


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value, default=repr)


def _outputs(a: Any, b: Any, plugins: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for i, view in enumerate((a, b)):
        result = view.result if isinstance(view.result, dict) else {}
        for name in plugins.method(view.method).outputs:
            if name in result:
                found.setdefault(name, [None, None])[i] = result[name]
    return found


def _first_row(a: Any, b: Any) -> str | None:
    from heliostat.errors import key_text

    for left, right in zip_longest(a.outcomes(), b.outcomes()):
        if left is None or right is None:
            return f"{key_text((left or right).key)} (only in one run)"
        if left.line() != right.line():
            return key_text(left.key)
    return None
