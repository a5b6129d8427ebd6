"""`heliostat config`: write, check and show configuration files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from heliostat.cli.fields import NOT_SET, field_texts, inline
from heliostat.cli.verbs.plugins import title
from heliostat.contract.commands import json_option, next_command, print_json
from heliostat.errors import StoreError
from heliostat.terminal import printable, say


@click.group()
def config() -> None:
    """Write or check configuration files."""


@config.command()
@click.argument("method_name", metavar="METHOD")
@click.option("--preset", help="Start from this preset.")
@click.option("--output", type=click.Path(path_type=Path), help="File [default: standard output].")
def init(method_name: str, preset: str | None, output: Path | None) -> None:
    """Write a file with every field of METHOD, its value and what it means."""
    from heliostat.contract.config import plain
    from heliostat.driver.configuration import resolve
    from heliostat.plugins.registry import registry

    method = registry().method(method_name)
    values = plain(resolve(method, registry(), preset=preset))
    text = _commented(method, values)
    if output is None:
        say(*text.splitlines())
        return
    if output.exists():
        raise StoreError(f"{output} exists already; choose another name")
    output.write_text(text, encoding="utf-8")
    command = next_command("run", str(output))
    say(f"wrote {output}; run it with: {command}", err=True)


def _commented(method: Any, values: dict[str, Any]) -> str:
    lines = [f"# {printable(title(method))}", f'method = "{method.name}"', "seed = 0"]
    lines += ["", "[config]"]
    meanings = {field.name: field.meaning for field in field_texts(method.config)}
    for name in method.config.model_fields:
        if name in meanings:
            lines.append(f"# {printable(meanings[name])}")
        if values.get(name) is None:
            lines.append(f"# {name} = {NOT_SET}")
        else:
            lines.append(f"{name} = {inline(values[name])}")
    return "\n".join(lines) + "\n"


@config.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check FILE and print the configuration it resolves to."""
    from heliostat.cli.target import read_file
    from heliostat.contract.config import plain
    from heliostat.driver.configuration import resolve
    from heliostat.plugins.registry import registry

    found = read_file(file)
    resolved = plain(
        resolve(
            found.method,
            registry(),
            preset=found.preset,
            values=found.values,
            source=found.source,
        )
    )
    if as_json:
        print_json({"method": found.method.name, "seed": found.seed or 0, "config": resolved})
        return
    for name, value in resolved.items():
        say(f"{name} = {json.dumps(value)}")
    say(f"{file} is valid", err=True)


@config.command()
@click.argument("method_name", metavar="METHOD")
@click.option("--preset", help="Show this preset.")
@json_option
def show(method_name: str, preset: str | None, as_json: bool) -> None:
    """Show METHOD's configuration: its defaults, or a preset."""
    from heliostat.contract.config import plain
    from heliostat.driver.configuration import resolve
    from heliostat.plugins.registry import registry

    values = plain(resolve(registry().method(method_name), registry(), preset=preset))
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        say(f"{name} = {json.dumps(value)}")
