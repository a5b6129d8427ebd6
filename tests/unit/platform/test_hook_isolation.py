"""Every hook: what it is given, that a plugin which fails in it changes nothing, and its page."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import heliostat_test_methods
import plugin_tasks
import pytest
from heliostat_test_methods import METHODS

from heliostat import PartRef, PartSpec, ProductSpec, hookimpl
from heliostat.contract.hooks import Hooks
from heliostat.contract.part import PROTOCOLS
from heliostat.driver.inputs import resolve_inputs
from heliostat.driver.start import start
from heliostat.errors import ConfigError, Interrupted, PluginError
from heliostat.executors.choice import Execution
from heliostat.plugins.building import PartBuilder
from heliostat.plugins.reference import hook_names, markdown
from heliostat.plugins.registry import Registry
from heliostat.report import Section, Text
from heliostat.report.build import sections_of
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.folder import RunFolder, find
from heliostat.store.view import RunView


def plugin(**hooks: Any) -> Any:
    """Return a plugin object with these hooks."""
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


def fails(**hooks: Any) -> Any:
    raise RuntimeError("a plugin that fails")


def leaves(**hooks: Any) -> Any:
    raise SystemExit("a plugin that wants to leave")


def interrupts(**hooks: Any) -> Any:
    raise KeyboardInterrupt


def pretends(**hooks: Any) -> Any:
    raise Interrupted("nobody asked for it")


def run(folder: Path, *plugins: Any, method: str = "count", **values: Any) -> dict[str, Any]:
    registry = Registry()
    registry.register(heliostat_test_methods, "tests")
    for number, one in enumerate(plugins):
        registry.register(one, f"plugin{number}")
    return start(
        METHODS[method],
        values=values,
        execution=Execution(workers=0, runs=folder / "runs", cache_dir=folder / "cache"),
        plugins=registry,
    )


def sections(account: dict[str, Any], *plugins: Any) -> list[Section]:
    registry = Registry()
    for number, one in enumerate(plugins):
        registry.register(one, f"plugin{number}")
    view = RunView(RunFolder(Path(account["folder"])))
    found = sections_of(view, METHODS["count"], registry)
    view.close()
    return found


def test_heliostat_methods_offers_methods_by_name() -> None:
    registry = Registry()
    registry.register(plugin(heliostat_methods=lambda: (METHODS["count"],)), "mine")
    assert registry.method("count") is METHODS["count"]
    assert "count" in registry.method_names()


def test_heliostat_parts_offers_parts_that_follow_their_protocol(tmp_path: Path) -> None:
    registry = Registry()
    good = SimpleNamespace(points=lambda count, dimensions, generator: [[0.5] * dimensions])
    specs = [
        PartSpec("sampler", "middle", build=lambda config: good, summary="the middle"),
        PartSpec("sampler", "nothing", build=lambda config: object(), summary="none"),
        PartSpec("potion", "any", build=lambda config: 3, summary="a kind of its own"),
    ]
    registry.register(plugin(heliostat_parts=lambda: specs), "mine")
    build = PartBuilder(registry, str, {}, tmp_path)
    assert build("sampler", PartRef("middle")) is good
    assert build("potion", PartRef("any")) == 3
    with pytest.raises(PluginError, match="'nothing' gave a object, which lacks points of the"):
        build("sampler", PartRef("nothing"))


def test_heliostat_commands_adds_verbs() -> None:
    registry = Registry()
    hello = click.Command("hello")
    registry.register(plugin(heliostat_commands=lambda: [hello]), "mine")
    assert registry.command("hello") is hello
    assert registry.command("hallo") is None


def test_commands_of_a_method_are_verbs_as_well() -> None:
    registry = Registry()
    method = dataclasses.replace(METHODS["count"], commands=[click.Command("tally")])
    registry.register(plugin(heliostat_methods=lambda: [method]), "mine")
    assert registry.command("tally") is method.commands[0]


def test_heliostat_report_sections_stand_in_the_report(tmp_path: Path) -> None:
    account = run(tmp_path)
    mine = [Section("Mine", [Text("from a plugin")])]
    assert mine[0] in sections(account, plugin(heliostat_report_sections=lambda run: mine))


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        (lambda run: fails(), "RuntimeError: a plugin that fails"),
        (lambda run: leaves(), "SystemExit: a plugin that wants to leave"),
        (lambda run: None, "returned a NoneType"),
        (lambda run: [Text("no section")], "returned a Text, not a Section"),
        (lambda run: [Section("bad", [Text(3)])], "left out"),  # type: ignore[arg-type]
    ],
)
def test_wrong_report_sections_leave_a_note_and_the_others(
    tmp_path: Path, hook: Any, reason: str
) -> None:
    account = run(tmp_path)
    good = Section("Good", [Text("still here")])
    found = sections(
        account,
        plugin(heliostat_report_sections=hook),
        plugin(heliostat_report_sections=lambda: [good]),
    )
    assert good in found
    (note,) = [s.content[0] for s in found if s.title == "Plugin plugin0"]
    assert isinstance(note, Text)
    assert reason in note.body


@pytest.mark.parametrize(
    "fail",
    [lambda: fails(), lambda: leaves(), lambda: interrupts(), lambda: pretends()],
    ids=["raises", "exits", "interrupts", "pretends"],
)
@pytest.mark.parametrize(
    "hook", ["heliostat_run_started", "heliostat_batch_committed", "heliostat_run_finished"]
)
def test_an_observer_that_fails_is_counted_and_logged(tmp_path: Path, hook: str, fail: Any) -> None:
    heard: list[str] = []
    later = plugin(**{hook: lambda run: heard.append(run.method)})
    account = run(tmp_path, plugin(**{hook: fail}), later)
    assert set(heard) == {"count"}
    assert account["observer_failures"] == {"plugin0": len(heard)}
    assert account["digest"] == run(tmp_path / "plain")["digest"]
    lines = [json.loads(x) for x in (Path(account["folder"]) / "log.jsonl").open()]
    told = [line["text"] for line in lines if line["kind"] == "observer"]
    assert told[0].startswith(f"plugin0: {hook}: ")
    assert told[1:] == ([f"plugin0: {hook} failed {len(heard)} times"] if len(heard) > 1 else [])


def test_a_signal_while_an_observer_works_stops_the_run(tmp_path: Path) -> None:
    watcher = plugin(heliostat_batch_committed=lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted):
        run(tmp_path, watcher)
    assert RunView(find("last", tmp_path / "runs")).state == "interrupted"


def test_threads_that_an_observer_sets_reach_neither_search_nor_tasks(tmp_path: Path) -> None:
    import torch

    def search(config: Any, run: Any) -> Any:
        seen = [o.unwrap() for o in run.map(plugin_tasks.threads, range(6))]
        return [seen, torch.get_num_threads()]

    method = dataclasses.replace(METHODS["ends_badly"], name="counts_threads", search=search)
    registry = Registry()
    for hook in ("heliostat_run_started", "heliostat_batch_committed"):
        registry.register(plugin(**{hook: lambda: torch.set_num_threads(2)}), hook)
    execution = Execution(workers=0, runs=tmp_path / "runs", cache_dir=tmp_path / "cache")
    account = start(method, execution=execution, plugins=registry)
    seen, own = account["result"]
    assert {count for counts in seen for count in counts} == {1}
    assert own == 1


def test_heliostat_run_started_comes_before_the_search(tmp_path: Path) -> None:
    heard: list[int] = []
    run(tmp_path, plugin(heliostat_run_started=lambda run: heard.append(run.count())))
    assert heard == [0]


def test_heliostat_batch_committed_gets_every_outcome_once(tmp_path: Path) -> None:
    heard: list[Any] = []
    run(tmp_path, plugin(heliostat_batch_committed=lambda outcomes: heard.extend(outcomes)))
    assert len({outcome.key for outcome in heard}) == len(heard) == 20


def test_heliostat_run_finished_gets_the_error_that_ended_the_run(tmp_path: Path) -> None:
    heard: list[Any] = []
    with pytest.raises(KeyError):
        run(
            tmp_path,
            plugin(heliostat_run_finished=lambda error: heard.append(error)),
            method="ends_badly",
        )
    assert [type(error) for error in heard] == [KeyError]


def test_an_observer_can_read_the_run_but_not_change_it(tmp_path: Path) -> None:
    def write(run: Any, outcomes: Any) -> None:
        outcomes[0].key = ()

    def store(run: Any) -> None:
        run._journal.change(seed=1)

    account = run(
        tmp_path,
        plugin(heliostat_batch_committed=write),
        plugin(heliostat_run_started=store),
    )
    assert account["observer_failures"]["plugin0"] >= 1
    assert account["observer_failures"]["plugin1"] == 1
    assert account["digest"] == run(tmp_path / "plain")["digest"]


def test_a_product_of_a_plugin_s_method_is_a_part_of_another(tmp_path: Path) -> None:
    def search(config: Any, run: Any) -> None:
        run.save("middle", {"at": 0.25}, kind="sampler")

    def build(value: Any) -> Any:
        return SimpleNamespace(points=lambda count, dimensions, generator: value["at"])

    maker = dataclasses.replace(
        METHODS["ends_badly"],
        name="maker",
        search=search,
        products=[ProductSpec("sampler", "a sampler", build)],
    )
    registry = Registry()
    registry.register(plugin(heliostat_methods=lambda: [maker]), "theirs")
    execution = Execution(workers=0, runs=tmp_path / "runs", cache_dir=tmp_path / "cache")
    account = start(maker, execution=execution, plugins=registry)
    store = ArtifactStore(tmp_path / "artifacts")
    ref = PartRef(f"run:{account['run']}", {}, "sampler")
    inputs = resolve_inputs({"sampler": ref}, registry, store, tmp_path / "runs")  # type: ignore[arg-type]
    part = PartBuilder(registry, lambda sha256: store.get(sha256).decode(), inputs, tmp_path)(
        "sampler", ref
    )
    assert part.points(1, 1, None) == 0.25


@pytest.mark.parametrize("name", ["run:", "run:..", "run:../other", "run:./x", "run:a\0b"])
def test_a_product_is_named_by_a_run_and_not_by_a_path(tmp_path: Path, name: str) -> None:
    ref = PartRef(name, {}, "loss")
    with pytest.raises(ConfigError, match="run:RUN"):
        resolve_inputs({"loss": ref}, Registry(), ArtifactStore(tmp_path), tmp_path)  # type: ignore[arg-type]


def test_code_of_a_part_from_a_plugin_belongs_to_the_identity() -> None:
    registry = Registry()
    offer = type("Offer", (), {"__module__": "their_package.plugin"})
    specs = [PartSpec("loss", "theirs", build=print, summary="")]
    offer.heliostat_parts = staticmethod(hookimpl(lambda: specs))  # type: ignore[attr-defined]
    registry.register(offer, "theirs")
    method = METHODS["count"]
    assert "their_package" not in registry.packages_of(method, {})
    refs = [PartRef("theirs", {}, "loss")]
    assert "their_package" in registry.packages_of(method, {}, refs)


def test_every_hook_has_a_test() -> None:
    text = Path(__file__).read_text()
    assert len(hook_names()) == 7
    for name in hook_names():
        assert re.search(rf"^def test_{name}_\w+\(", text, re.MULTILINE), name


def test_every_hook_and_kind_of_part_is_documented(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (root / "docs" / "hooks.md").read_text()
    assert page == markdown(), "heliostat plugins hooks > docs/hooks.md"
    for name in [*hook_names(), *PROTOCOLS]:
        assert f"\n## {name}\n" in page
    monkeypatch.setattr(Hooks.heliostat_parts, "__doc__", "")
    with pytest.raises(ValueError, match="heliostat_parts has no documentation"):
        markdown()
