"""What a plugin hands over for one method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from heliostat.contract.commands import check_command
from heliostat.contract.fields import Fields, short
from heliostat.contract.part import NoParameters
from heliostat.errors import PluginError, told
from heliostat.process.guard import contained

if TYPE_CHECKING:
    import click

    from heliostat.contract.finding import Finding
    from heliostat.contract.sections import Section
    from heliostat.contract.within import Within
    from heliostat.store.view import RunView


@dataclass(frozen=True)
class Metric:
    """One number of a result; `unit` is shown beside it.

    `direction` is "min" or "max" for a goal, None for a number that is neither better nor worse.
    A goal that is not `by_default` (one that is measured on request) is optimised when it is named.
    """

    direction: str | None = "min"
    unit: str = ""
    format: str = ".4g"
    by_default: bool = True

    def __post_init__(self) -> None:
        good = self.direction in ("min", "max", None)
        Fields("a Metric").unless(good, "direction", self.direction, '"min", "max" or None')


@dataclass(frozen=True)
class ProductSpec:
    """A kind of thing that a run leaves for other methods.

    `kind` is a part kind, so that ``loss = "run:ID"`` finds it; `build(value)` makes the part from
    what `run.save(name, value, kind=kind)` stored. With `config`, whoever names the product may
    set what it says, ``model = "run:ID?budget=12ms"``, and the part is made by
    `build(value, parameters)`. A stored value holds all that its parts are built from.
    """

    kind: str
    summary: str
    build: Callable[..., Any]
    config: type[BaseModel] = NoParameters

    def __post_init__(self) -> None:
        fields = Fields(f"product {short(self.kind)}")
        fields.identifier("kind", self.kind)
        fields.text("summary", self.summary)
        fields.unless(callable(self.build), "build", self.build, "a function")
        fields.model("config", self.config, "pydantic.BaseModel")

    @property
    def takes_parameters(self) -> bool:
        """Whether whoever names the product may set anything of it."""
        return self.config is not NoParameters

    def made(self, value: Any, parameters: BaseModel) -> Any:
        """Return the part that is made of a stored value and parameters of `config`."""
        return self.build(value, parameters) if self.takes_parameters else self.build(value)


@dataclass(frozen=True)
class MethodSpec:
    """A method: its typed configuration, its search and how its result is shown.

    `search(config, run)` returns an encodable value. `describe(result, run_id)` is what a terminal
    shows at the end, without it the `outputs`; `report(view)` makes the sections of the HTML
    report. `within(view, budget)` says what of a finished or running run fits a budget, a text such
    as "12ms"; it raises ConfigError("budget", ...) for one that it cannot read. `presets` are
    configurations by name; "smoke" ends within seconds. `unit` names what `run.report(count=...)`
    counts. `methods_run(config)` names other methods that a run executes, whose code is part of its
    identity. `names` is the module that registers the permanent names of its tasks and stored
    types, which begin with the method's name; without it, the module of `search`. `version` and
    `migrate(config, version)` read configurations of older versions. Raises PluginError for a field
    that is not so. `on(config)` says in a few words what a run works on, for lists and headings;
    without it, the data sets that the configuration names. `best(result)` says what a result came
    to by name, for lists; without it, those `outputs` that are goals. `examine()` says as a list of
    Finding what this machine has for the method: `heliostat doctor` shows it.
    """

    name: str
    summary: str
    paper: str
    config: type[BaseModel]
    search: Callable[[Any, Any], Any]
    outputs: Mapping[str, Metric] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    products: Sequence[ProductSpec] = ()
    report: Callable[[RunView], Sequence[Section]] | None = None
    describe: Callable[[Any, str], str] | None = None
    within: Callable[[RunView, str], Within] | None = None
    commands: Sequence[click.Command] = ()
    on: Callable[[Any], str] | None = None
    best: Callable[[Any], Mapping[str, float]] | None = None
    methods_run: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    examine: Callable[[], Sequence[Finding]] | None = None
    unit: str = "items"
    names: str = ""
    version: int = 1
    migrate: Callable[[Mapping[str, Any], int], Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        fields = Fields(f"method {short(self.name)}")
        fields.identifier("name", self.name)
        for name in ("summary", "paper", "unit", "names"):
            fields.text(name, getattr(self, name))
        fields.model("config", self.config, "MethodConfig")
        fields.unless(callable(self.search), "search", self.search, "a function (config, run)")
        for name in (
            "report", "describe", "within", "on", "best", "methods_run", "examine", "migrate",
        ):  # fmt: skip
            fields.function(name, getattr(self, name))
        fields.mapping("outputs", self.outputs, Metric, "a Metric")
        fields.mapping("presets", self.presets, Mapping, "a configuration")
        fields.sequence("products", self.products, ProductSpec, "a ProductSpec")
        fields.sequence("commands", self.commands, object, "a command")
        for command in self.commands:
            check_command(command)
        version = self.version
        whole = isinstance(version, int) and not isinstance(version, bool) and version >= 1
        fields.unless(whole, "version", version, "a whole number from 1")

    @property
    def goals(self) -> dict[str, str]:
        """Those of `outputs` that have a direction, with it: "min" or "max"."""
        return {k: m.direction for k, m in self.outputs.items() if m.direction is not None}

    @property
    def default_goals(self) -> dict[str, str]:
        """Those of `goals` that are optimised when none is named."""
        return {name: d for name, d in self.goals.items() if self.outputs[name].by_default}


def migrated(
    method: MethodSpec, config: Mapping[str, Any], version: int | None
) -> dict[str, Any] | None:
    """Return a configuration of another version as one of this version, None if it cannot be.

    No version means this one. Raises PluginError when the method's `migrate` fails.
    """
    if version in (None, method.version):
        return dict(config)
    if version is None or not 1 <= version < method.version or method.migrate is None:
        return None
    try:
        with contained("migrate"):
            found = method.migrate(dict(config), version)
    except Exception as error:
        raise PluginError(
            f"method {method.name}: migrate failed on a configuration of version {version}: "
            f"{told(error)}"
        ) from error
    if not isinstance(found, Mapping):
        raise PluginError(
            f"method {method.name}: migrate returned a {type(found).__name__}, expected a mapping"
        )
    return dict(found)
