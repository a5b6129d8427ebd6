"""`heliostat plugins check`: what it takes, what it says, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CommandLine

from heliostat.contract.instructions import LEVEL_VARIABLE, portable_variables
from heliostat.names import GROUP
from heliostat_kit.exam.exam import Exam
from heliostat_kit.rules.methods import RULES, judge
from heliostat_kit.rules.rule import Rule
from heliostat_kit.verdict import Broken, NotJudged

METHOD = """
from heliostat import MethodConfig, MethodSpec, hookimpl
from heliostat.contract.part import PartSpec

print("imported")


def draw(item, ctx):
    print("drawing")
    return float(ctx.rng().random())


def search(config, run):
    return [outcome.unwrap() for outcome in run.map(draw, range(4))]


@hookimpl
def heliostat_methods():
    return [MethodSpec(name="dice", summary="draws", paper="none", config=MethodConfig,
                       search=search, presets={"smoke": {}})]
"""


def check(
    cli: CommandLine, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return cli("plugins", "check", *arguments, **{"HELIOSTAT_LOAD": "", **environment})


def distribution(folder: Path, group: str = GROUP, value: str = "dice_plugin") -> Path:
    home = folder / "dice"
    (home / "src").mkdir(parents=True)
    (home / "src" / "dice_plugin.py").write_text(METHOD)
    (home / "pyproject.toml").write_text(
        f'[project]\nname = "dice"\nversion = "1.2"\n'
        f'[project.entry-points."{group}"]\ndice = "{value}"\n'
    )
    return home


def test_a_folder_that_is_not_installed_is_checked(cli: CommandLine) -> None:
    done = check(cli, str(distribution(cli.folder)), "--no-ray")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("  kept")]
    rules = [rule.name for rule in RULES if not rule.ray]
    assert [line.split()[1] for line in lines] == ["import", *rules]


def test_a_plugin_named_on_the_command_line_may_be_imported_whatever_the_allow_list_says(
    cli: CommandLine,
) -> None:
    home = str(distribution(cli.folder))
    done = check(cli, home, "--only", "presets", HELIOSTAT_PLUGINS="none")
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_loaded_already_is_judged_as_it_is(cli: CommandLine) -> None:
    file = cli.folder / "dice_here.py"
    file.write_text(METHOD)
    done = check(cli, str(file), "--only", "presets", HELIOSTAT_LOAD=str(file))
    assert done.returncode == 0, done.stderr
    (cli.folder / "other").mkdir()
    (cli.folder / "other" / "dice_here.py").write_text(METHOD)
    done = check(
        cli, str(cli.folder / "other" / "dice_here.py"), "--only", "presets",
        HELIOSTAT_LOAD=str(file),
    )  # fmt: skip
    assert done.returncode != 0
    assert "a file whose name no other module has" in done.stderr


def test_json_is_all_that_stands_on_standard_output(cli: CommandLine) -> None:
    home = str(distribution(cli.folder))
    done = check(cli, home, "--only", "item-order", "--json")
    account = json.loads(done.stdout)
    assert account["plugins"] == ["dice"]
    assert account["broken"] == 0
    assert [(r["rule"], r["state"]) for r in account["rules"]] == [("item-order", "kept")]
    assert "drawing" in done.stderr


@pytest.mark.parametrize("loaded_before", ["", "import numpy\n"])
def test_items_are_evaluated_again_at_the_level_of_the_run(
    cli: CommandLine, loaded_before: str
) -> None:
    home = distribution(cli.folder)
    source = home / "src" / "dice_plugin.py"
    imported = "from heliostat.contract.instructions import own_level"
    text = source.read_text().replace("float(ctx.rng().random())", "own_level()")
    source.write_text(f"{imported}\n{text}")
    script = cli.folder / "check_it.py"
    script.write_text(
        f"{loaded_before}from heliostat.cli.main import main\n"
        f"main(['plugins', 'check', {str(home)!r}, '--only', 'item-order'])\n"
    )
    level = (LEVEL_VARIABLE, *portable_variables())
    surroundings = {name: value for name, value in os.environ.items() if name not in level}
    done = subprocess.run(
        [sys.executable, str(script)], env={**surroundings, "HELIOSTAT_LOAD": ""},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "1 kept" in done.stdout, done.stdout + done.stderr


def test_a_built_in_plugin_is_checked_by_name(cli: CommandLine) -> None:
    done = check(cli, "step_options", "--only", "presets", "--only", "unknown-keys")
    assert done.returncode == 0, done.stderr
    assert "0 broken, 2 kept, 0 not judged" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["step_optins"], "PATH|NAME = 'step_optins': expected an installed plugin"),
        (["step_optins"], "did you mean 'step_options'?"),
        (["step_options", "--only", "set-oder"], "did you mean 'set-order'?"),
        (["./nowhere"], "expected a folder with a pyproject.toml, a module or the name"),
    ],
)
def test_a_mistake_in_the_command_is_an_error_of_usage(
    cli: CommandLine, arguments: list[str], said: str
) -> None:
    done = check(cli, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_project_that_declares_no_plugin_is_told_the_group(cli: CommandLine) -> None:
    done = check(cli, str(distribution(cli.folder, group="heliostat.plugins.v11")))
    assert done.returncode == 2
    assert f'project.entry-points."{GROUP}"' in done.stderr
    assert "did you mean 'heliostat.plugins.v11'?" in done.stderr


def test_an_entry_point_without_its_module_is_named(cli: CommandLine) -> None:
    done = check(cli, str(distribution(cli.folder, value="dices:plugin")))
    assert done.returncode == 2
    assert "= 'dices:plugin': expected a module in" in done.stderr
    assert "there is no dices.py and no dices/__init__.py" in done.stderr


def test_a_plugin_that_does_not_load_is_broken_before_any_rule(cli: CommandLine) -> None:
    file = cli.folder / "bad_import.py"
    file.write_text("import no_such_library\n")
    done = check(cli, str(file))
    assert done.returncode == 3
    assert "plugin bad_import is failed: ModuleNotFoundError" in done.stderr
    assert "mend: a plugin has to load before it can be judged" in done.stderr


def test_what_cannot_be_judged_does_not_pass(cli: CommandLine, root: Path) -> None:
    bad = root / "tests" / "tasks" / "bad_methods" / "lambda_task.py"
    done = check(cli, str(bad), "--only", "set-order")
    assert done.returncode == 3
    assert "not judged: the quick run does not finish" in done.stdout
    assert "nothing could be judged" in done.stderr


PARTS = """
import numpy as np
from heliostat import PartSpec, hookimpl


class Data:
    name, task, classes = "d", "regression", 1
    targets = np.zeros(4, dtype=np.float32)

    def __init__(self, rows=4, kind=np.float32):
        self.inputs = np.zeros((rows, 2), dtype=kind)


class Nothing:
    pass


@hookimpl
def heliostat_parts():
    return [
        PartSpec("dataset", "good", lambda config: Data(), "as it should be"),
        PartSpec("dataset", "double", lambda config: Data(kind=np.float64), "of double precision"),
        PartSpec("dataset", "long", lambda config: Data(rows=5), "too long"),
        PartSpec("sampler", "nothing", lambda config: Nothing(), "lacks all"),
        PartSpec("flavour", "sweet", lambda config: 1, "of a kind of its own"),
        PartSpec("dataset", "file", lambda path, config: Data(), "from a file", prefix=True),
    ]
"""


def test_parts_are_held_to_the_protocol_of_their_kind(cli: CommandLine) -> None:
    file = cli.folder / "some_parts.py"
    file.write_text(PARTS)
    done = check(cli, str(file), "--json")
    found = {r["rule"]: (r["state"], r["seen"]) for r in json.loads(done.stdout)["rules"]}
    assert found == {
        "import": ("kept", ""),
        "part dataset good": ("kept", ""),
        "part dataset double": ("broken", "inputs are float64, expected float32"),
        "part dataset long": ("broken", "5 rows of inputs and 4 targets"),
        "part sampler nothing": (
            "broken",
            "PluginError: sampler 'nothing' gave a Nothing, which lacks points of the sampler "
            "protocol",
        ),
        "part flavour sweet": ("not judged", "kind flavour is the plugin's own"),
        "part dataset file": ("not judged", "its name needs an argument"),
    }
    assert done.returncode == 3


WATCHER = """
from heliostat import hookimpl


@hookimpl
def heliostat_{hook}(run):
    raise ConnectionError("the server is away")
"""


@pytest.mark.parametrize(
    ("hook", "seen"),
    [
        ("batch_committed", "heliostat_batch_committed: ConnectionError: the server is away"),
        ("report_sections", "The sections of plugin watcher are left out: ConnectionError"),
    ],
)
def test_an_observer_may_not_raise(cli: CommandLine, hook: str, seen: str) -> None:
    file = cli.folder / "watcher.py"
    file.write_text(WATCHER.format(hook=hook))
    done = check(cli, str(file))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "BROKEN  observer" in done.stdout
    assert seen in done.stdout
    assert "catch what may fail" in done.stdout


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, KeyError])
def test_whatever_judging_raises_is_a_verdict(tmp_path: Path, error: type[BaseException]) -> None:
    def leaves(exam: Exam) -> None:
        raise error(0)

    rules = [Rule("first", "p", "m", leaves), Rule("second", "p", "m", lambda exam: None)]
    first, second = judge(Exam("none", tmp_path), rules)
    assert (first.state, second.state) == ("broken", "kept")
    assert first.seen.startswith(f"it raised {error.__name__}: 0 (leaves, line ")


def test_a_rule_waits_until_those_before_it_are_mended(tmp_path: Path) -> None:
    def breaks(exam: Exam) -> None:
        raise Broken("seen")

    def cannot(exam: Exam) -> None:
        raise NotJudged("for want of data")

    def keeps(exam: Exam) -> None:
        return

    rules = [
        Rule("first", "p", "m", breaks),
        Rule("free", "p", "m", keeps),
        Rule("unjudged", "p", "m", cannot),
        Rule("bound", "p", "m", keeps, after=("first",)),
        Rule("unbound", "p", "m", keeps, after=("unjudged",)),
        Rule("last", "p", "m", breaks, after=None),
    ]
    verdicts = [(v.rule, v.state, v.seen) for v in judge(Exam("none", tmp_path), rules)]
    assert verdicts == [
        ("first", "broken", "seen"),
        ("free", "kept", ""),
        ("unjudged", "not judged", "for want of data"),
        ("bound", "not judged", "mend first first"),
        ("unbound", "kept", ""),
        ("last", "not judged", "mend first first"),
    ]
