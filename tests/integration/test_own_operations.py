"""Operations that an external plugin offers: found, searched with, exported, read without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from command_line import CommandLine
from in_process import InProcess

PLUGIN = "heliostat_operation_plugin"
QUICK = ("run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report",
         "-o", "generations=1", "-o", "test_steps=20", "-o", "test_seeds=2")  # fmt: skip
OWN = ("-o", 'primitives=["standard", "exp", {name="pinball", tau=0.9}]',
       "-o", 'initial=["pinball(sub(y, f))", "exp(abs(sub(y, f)))"]')  # fmt: skip


@pytest.fixture
def there(cli: CommandLine) -> InProcess:
    return InProcess(cli.folder, PLUGIN)


def test_an_operation_that_primitives_does_not_name_is_hinted_at(there: InProcess) -> None:
    done = there(*QUICK, "-o", 'initial=["exp(abs(sub(y, f)))"]')
    assert done.returncode == 2
    assert "unknown primitive 'exp'" in done.stderr
    assert "`primitives` names operations beside these" in done.stderr


def test_a_search_uses_an_operation_of_an_external_plugin(there: InProcess) -> None:
    account = there.json(*QUICK, *OWN)
    (problem,) = account["result"]["problems"]
    losses = [one["loss"] for one in (*problem["best"], problem["short"])]
    used = {name for loss in losses for name in loss["nodes"]}
    assert used & {"pinball", "exp"}
    named = losses[0]["primitives"]
    assert [one["name"] for one in named["operations"]] == ["exp", "pinball"]
    again = there.json(*QUICK, *OWN)
    assert again["digest"] == account["digest"]

    # the loss carries its operation: it is read and written out where the plugin is missing
    without = InProcess(there.folder)
    assert without.json("losses", "show", account["run"])[0]["formula"]
    source = without("losses", "export", account["run"], "--format", "python")
    assert source.returncode == 0 and "import torch" in source.stdout
    exported = json.loads(without("losses", "export", account["run"]).stdout)
    assert exported["loss"]["primitives"]["base"] == "standard"


def test_operations_are_listed_as_parts(there: InProcess) -> None:
    rows = {row["name"]: row for row in there.json("parts", "primitive")}
    assert {"standard", "shifted", "exp", "huber", "softplus", "pinball"} <= set(rows)
    assert rows["pinball"]["parameters"] == {"tau": 0.7}


@pytest.mark.parametrize(
    ("primitives", "said"),
    [
        ('["standard", "pinbal"]', ["did you mean 'pinball'"]),
        ('["standard", {name="pinball", tau=2}]', ["tau = 2", "less than 1"]),
        ('["exp"]', ["primitives = ['exp']", "one of standard and shifted"]),
        ('["standard", "exp", "exp"]', ["primitives", "each name once"]),
        ('["standard", "gamma"]', ["primitives = 'gamma'", "function gamma has no code"]),
        ('["standard", "nothing"]', ["primitives = 'nothing'", "lacks name and arity"]),
    ],
)
def test_what_is_no_operation_is_refused_before_any_work(
    there: InProcess, primitives: str, said: list[str]
) -> None:
    done: Any = there(*QUICK, "-o", f"primitives={primitives}")
    assert done.returncode == 2
    assert all(part in done.stderr for part in said), done.stderr


def test_a_given_loss_in_an_unknown_operation_is_refused(there: InProcess) -> None:
    done = there(
        *QUICK, "-o", 'primitives=["standard", "exp"]', "-o", 'initial=["huber(sub(y,f))"]'
    )
    assert done.returncode == 2
    assert "initial[0]" in done.stderr and "unknown primitive 'huber'" in done.stderr
