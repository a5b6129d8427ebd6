"""The tutorial on plugins is executed as it stands: its files written, its commands run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_environment import PluginEnvironment

from heliostat.contract.part import PROTOCOLS
from heliostat_kit.rules.methods import RULES
from heliostat_kit.rules.offers import PROMISES

_BLOCK = re.compile(
    r"(?:`(?P<path>[^`\n]+)`:\n\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S
)


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "plugins.md").read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    for match in _BLOCK.finditer(page):
        yield match["kind"], match["path"] or "", match["body"]


@pytest.mark.ray
def test_the_tutorial_works_as_it_stands(
    page: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = PluginEnvironment(tmp_path_factory.mktemp("environment"))
    folder, said = environment.folder, {}
    for kind, path, body in blocks(page):
        if kind == "python":
            assert (folder / path).parent.is_dir(), path
            (folder / path).write_text(body, encoding="utf-8")
            continue
        assert kind == "console"
        for line in body.splitlines():
            assert line.startswith("$ ")
            words = shlex.split(line[2:])
            if words[0] == "cd":
                folder = folder / words[1]
                continue
            given = {}
            while "=" in words[0]:
                name, _, given[name] = words.pop(0).partition("=")
            done = environment(*words, cwd=folder, **given)
            assert done.returncode == 0, (line, done.stdout[-2000:], done.stderr[-2000:])
            said[line] = done.stdout
    assert (
        "of 2500 walks return, endless walks: 0.3405"
        in said["$ heliostat run returns --preset smoke --workers 2"]
    )
    assert "0 broken" in said["$ heliostat plugins check . --no-ray"]
    runs = json.loads(environment("heliostat", "ls", "--json", cwd=folder).stdout)
    assert len(runs) == 3
    assert runs[0]["digest"] == runs[1]["digest"] != runs[2]["digest"]
    assert len(list((folder / "runs").glob("*/report.html"))) == 3


def test_the_table_of_rules_is_the_kit(page: str) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|$", page, re.M)
    assert [row for row in rows if row[0] not in PROTOCOLS] == [
        *((rule.name, rule.promise) for rule in RULES),
        *PROMISES.items(),
    ]
    assert f"These are the {len(RULES)} rules of a method" in page


def test_the_table_of_parts_names_every_kind_and_member(page: str) -> None:
    rows = {kind: (name, has) for kind, name, has in
            re.findall(r"^\| `([a-z]+)` \| `(\w+)` \| (.+) \|$", page, re.M)}  # fmt: skip
    assert {kind: name for kind, (name, _) in rows.items()} == {
        kind: protocol.__name__ for kind, protocol in PROTOCOLS.items()
    }
    for kind, protocol in PROTOCOLS.items():
        for member in (name for name in vars(protocol) if not name.startswith("_")):
            assert f"`{member}" in rows[kind][1], (kind, member)


def test_links_lead_somewhere(page: str, root: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page)
    assert "hooks.md" in links
    assert [link for link in links if not (root / "docs" / link).exists()] == []
