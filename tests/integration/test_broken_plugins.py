"""Twenty broken distributions are installed, and all else goes on as if they were not."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from broken_plugins import (
    HANGS,
    MALFORMED,
    METHOD,
    RUDE,
    TWELVE,
    imported,
    install,
    install_malformed,
    install_one,
)


@pytest.fixture
def twenty(cli: Any) -> Path:
    """The folder with the twenty distributions, on the path of the command line."""
    folder: Path = cli.folder / "site"
    install(folder)
    use(cli, folder)
    return folder


def use(cli: Any, folder: Path, loaded: str = "") -> None:
    cli.environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    cli.environment["HELIOSTAT_LOAD"] = loaded
    del cli.environment["HELIOSTAT_PLUGINS"]


def rows(cli: Any, *options: str) -> dict[str, Any]:
    done = cli(*options, "plugins", "--json")
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_each_is_a_row_that_says_why(cli: Any, twenty: Path) -> None:
    found = rows(cli)
    assert {name: found[name]["state"] for name in TWELVE} == {
        name: broken.state for name, broken in TWELVE.items()
    }
    for name, broken in TWELVE.items():
        row = found[name]
        assert broken.reason in row["reason"], name
        assert (row["distribution"], row["version"]) == (f"broken-{name}", f"1.{len(name)}")
        assert row["seconds"] >= 0
    for name, (_, reason) in MALFORMED.items():
        row = found[f"malformed_{name}"]
        assert (row["state"], row["version"]) == ("malformed", "1.0")
        assert row["reason"].startswith(f"{twenty}/malformed_{name}-1.0.dist-info/entry_points.txt")
        assert reason in row["reason"]
    assert {found[name]["state"] for name in ("parts", "evomal", "step_options")} == {"loaded"}


def test_the_smoke_preset_gives_the_same_digest(cli: Any) -> None:
    smoke = ("run", "evomal", "--preset", "smoke", "--workers", "serial")
    plain = cli.json(*smoke)
    site = cli.folder / "site"
    install(site)
    install_one(site, "hangs", HANGS + METHOD.format(name="hangs"))
    install_one(site, "rude", RUDE)
    use(cli, site)
    amid = cli.json(*smoke)
    assert imported(site) == ["attribute", "misspelt", "observer", "rude"]  # may watch, or do
    assert amid["digest"] == plain["digest"] is not None
    assert amid["result"] == plain["result"]
    assert plain["observer_failures"] == {}
    batches = amid["observer_failures"]["observer"] - 2  # and one each at the start and the end
    log = (Path(amid["folder"]) / "log.jsonl").read_text()
    assert f"observer: heliostat_batch_committed failed {batches} times" in log
    assert "SystemExit: an observer that wants to leave" in log
    changed = "changed the recursion limit, environment variables, numpy's errors, which other code"
    assert log.count(f"rude: heliostat_batch_committed {changed}") == 1
    report = Path(amid["report"]).read_text()
    assert "The sections of plugin observer are left out" in report


@pytest.mark.parametrize("method", ["step_options", "tune"])
def test_other_methods_give_the_same_digest_too(cli: Any, method: str) -> None:
    smoke = ("run", method, "--preset", "smoke", "--workers", "serial", "--no-report")
    plain = cli.here.json(*smoke)
    install(cli.folder / "site")
    use(cli, cli.folder / "site")
    assert cli.json(*smoke)["digest"] == plain["digest"] is not None


def test_what_an_import_changes_is_named(cli: Any) -> None:
    install_one(cli.folder / "site", "rude", RUDE)
    use(cli, cli.folder / "site")
    assert (
        "note: the import of plugin rude changed the recursion limit, environment variables, "
        "numpy's errors, which other code depends on; it was put back\n"
    ) in cli("plugins").stderr


@pytest.mark.ray
def test_workers_start_beside_a_malformed_file(cli: Any) -> None:
    install_malformed(cli.folder / "site", "words", MALFORMED["words"][0])
    use(cli, cli.folder / "site", "heliostat_test_methods")
    account = cli.json("run", "count", "--no-report", "--workers", "2")
    assert account["digest"] == cli.here.json("run", "count", "--workers", "serial")["digest"]


@pytest.mark.ray
def test_a_plugin_that_starts_ray_does_not_keep_a_run_from_it(cli: Any, ray_node: Any) -> None:
    hook = "from heliostat import hookimpl\n@hookimpl\ndef heliostat_run_started(): ...\n"
    begin = f"import ray\nray.init(address={ray_node.address!r}, log_to_driver=False)\n"
    install_one(cli.folder / "site", "session", begin + hook)
    use(cli, cli.folder / "site", "heliostat_test_methods")
    where = ("--workers", "2", "--address", ray_node.address)
    done = cli("run", "count", "--no-report", *where, "--json")
    assert done.returncode == 0, done.stderr
    assert re.search("the import of plugin session changed .*a Ray session", done.stderr)
    assert json.loads(done.stdout)["digest"]


def test_a_run_imports_what_its_configuration_names_and_no_more(cli: Any) -> None:
    site = cli.folder / "site"
    for name in ("first", "second", "third"):
        install_one(site, name, METHOD.format(name=name))
    use(cli, site, "heliostat_test_methods")

    def run(method: str) -> list[str]:
        for path in site.glob("imported-*"):
            path.unlink()
        cli.json("run", method, "--workers", "serial", "--no-report")
        return imported(site)

    assert run("second") == ["first", "second"]  # of which nothing was known yet
    assert run("second") == ["second"]
    assert run("third") == ["third"]
    assert run("count") == []
    install_one(site, "a_new", METHOD.format(name="new"))  # it may offer the same
    assert run("third") == ["a_new", "third"]


def test_nothing_is_imported_before_it_is_needed(cli: Any, twenty: Path) -> None:
    for arguments in (["--help"], ["ls"], ["methods", "describe", "evomal"], ["plugins", "-h"]):
        assert cli(*arguments).returncode == 0
    found = json.loads(cli("plugins", "--no-import", "--json").stdout)
    assert {row["state"] for row in found} == {"found", "failed", "incompatible", "malformed"}
    assert imported(twenty) == []


def test_a_method_of_a_failed_plugin_gives_the_stored_reason(cli: Any, twenty: Path) -> None:
    done = cli("run", "raises")
    assert done.returncode == 3
    assert "plugin raises could not be loaded: RuntimeError: no luck" in done.stderr
    assert "Traceback" not in done.stderr
    debugged = cli("--debug", "run", "raises")
    assert debugged.returncode == 3
    assert "broken_raises.py" in debugged.stderr
    assert "raise RuntimeError('no luck')" in debugged.stderr


def test_a_method_for_another_interface_is_incompatible(cli: Any, twenty: Path) -> None:
    done = cli("run", "version")
    assert done.returncode == 3
    assert "plugin version is incompatible" in done.stderr


def test_the_allow_list_is_respected_before_import(cli: Any, twenty: Path) -> None:
    cli.environment["HELIOSTAT_PLUGINS"] = "raises, exits"
    found = rows(cli)
    assert imported(twenty) == ["exits", "raises"]
    assert found["observer"]["state"] == "blocked"
    assert found["observer"]["reason"] == "not in HELIOSTAT_PLUGINS"
    cli.environment["HELIOSTAT_PLUGINS"] = "none"
    assert rows(cli)["raises"]["state"] == "blocked"


def test_a_blocked_plugin_is_not_imported(cli: Any, twenty: Path) -> None:
    found = rows(cli, "--no-plugin", "raises", "--no-plugin", "broken-observer")
    assert found["raises"]["state"] == found["observer"]["state"] == "blocked"
    assert not {"raises", "observer"} & {*imported(twenty)}
    done = cli("--no-plugin", "exits", "run", "exits")
    assert done.returncode == 3
    assert "plugin exits is blocked" in done.stderr


def test_a_misspelt_plugin_to_block_is_refused(cli: Any, twenty: Path) -> None:
    done = cli("--no-plugin", "obsever", "run", "evomal")
    assert done.returncode == 2
    assert "--no-plugin = 'obsever'" in done.stderr
    assert "did you mean 'observer'?" in done.stderr
    assert imported(twenty) == []


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HELIOSTAT_BLOCK", "raises, obsever", "= 'obsever': expected the name of a plugin or its"),
        ("HELIOSTAT_PLUGINS", "raises, obsever", "did you mean 'observer'?"),
        ("HELIOSTAT_LOAD", "broken_observr", "did you mean 'broken_observer'?"),
        ("HELIOSTAT_LOAD", "broken_raises.inner", "there is no 'broken_raises.inner' on the path"),
    ],
)
def test_a_list_that_names_nothing_is_refused_before_any_import(
    cli: Any, twenty: Path, variable: str, value: str, said: str
) -> None:
    done = cli("methods", **{variable: value})
    assert done.returncode == 2
    assert f"error: {variable} = " in done.stderr and said in done.stderr
    assert imported(twenty) == []
    assert cli("--help", **{variable: value}).returncode == 0


def test_a_file_that_blocks_nothing_is_refused_and_a_run_s_own_is_not(cli: Any) -> None:
    folder = cli.folder / "site"
    install_one(folder, "small", METHOD.format(name="small"))
    install_one(folder, "raises", TWELVE["raises"].source)
    use(cli, folder)
    job = cli.folder / "job.toml"
    job.write_text('method = "small"\n[plugins]\nblock = ["rises"]\n')
    done = cli("run", str(job))
    assert done.returncode == 2
    assert f"error: {job}: plugins.block = 'rises': expected the name of a plugin" in done.stderr
    assert imported(folder) == []
    job.write_text('method = "small"\n[plugins]\nblock = ["raises"]\n')
    cli.json("run", str(job), "--workers", "serial")
    shutil.rmtree(next(folder.glob("broken_raises-*")))
    for command in ("resume", "run"):
        target = "last" if command == "resume" else str(cli.only_run() / "config.toml")
        done = cli(command, target, "--workers", "serial")
        assert done.returncode == 0, done.stderr
        assert "blocks plugin 'raises', which is not installed here" in done.stderr


def test_a_configuration_file_blocks_for_the_run_and_its_resume(cli: Any) -> None:
    folder = cli.folder / "site"
    install_one(folder, "small", METHOD.format(name="small"))
    install_one(folder, "raises", TWELVE["raises"].source)
    use(cli, folder)
    job = cli.folder / "job.toml"
    job.write_text('method = "small"\n[plugins]\nblock = ["raises"]\n')
    cli.json("run", str(job), "--workers", "serial")
    assert 'block = [\n    "raises",\n]' in (cli.only_run() / "config.toml").read_text()
    cli.json("resume", "last", "--workers", "serial")
    assert imported(folder) == ["small"]
    job.write_text('method = "small"\n[plugins]\nblok = ["raises"]\n')
    done = cli("run", str(job))
    assert done.returncode == 2
    assert "plugins.blok" in done.stderr and "did you mean 'block'?" in done.stderr


def test_the_first_distribution_of_two_with_one_name_keeps_it(cli: Any) -> None:
    folder = cli.folder / "site"
    install_one(folder, "a_first", METHOD.format(name="one"), "same = broken_a_first")
    install_one(folder, "b_second", METHOD.format(name="two"), "same = broken_b_second")
    install_one(folder, "c_third", METHOD.format(name="three"), "parts = broken_c_third")
    install_one(folder, "d_fourth", METHOD.format(name="four"), "evomal = broken_d_fourth")
    use(cli, folder)
    assert cli("methods", "describe", "evomal").returncode == 0
    done = json.loads(cli("plugins", "--json").stdout)
    told = {row["distribution"]: (row["state"], row["reason"]) for row in done}
    assert told["broken-a_first"] == ("loaded", "")
    assert told["broken-b_second"] == ("failed", "the name 'same' is taken by broken-a_first")
    assert told["broken-c_third"] == ("failed", "the name 'parts' is taken by heliostat")
    assert told["broken-d_fourth"][0] == "failed"
    assert [row["state"] for row in done if row["name"] == "evomal"] == ["loaded", "failed"]
    assert imported(folder) == ["a_first"]


def test_names_of_plugins_cannot_play_with_the_terminal(cli: Any) -> None:
    folder = cli.folder / "site"
    install_one(folder, "bell", "raise RuntimeError('\\x1b[2Jgone\\nnext line')")
    install_one(folder, "dots", "", "../../up = broken_dots")
    use(cli, folder)
    done = cli("plugins")
    assert "\x1b" not in done.stdout
    assert "\\x1b[2Jgone\\nnext line" in done.stdout
    assert "'../../up' is no plugin name" in done.stdout
