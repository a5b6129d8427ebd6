"""Configurations: later sources win, mistakes name field, value, expectation and neighbour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import heliostat_test_methods
import pytest
import tomli_w
from heliostat_test_methods import METHODS
from pydantic import Field

from heliostat import MethodConfig, PartRef
from heliostat.contract.config import extendable_fields, plain, validate
from heliostat.driver.configuration import parse_override, read_run_file, resolve
from heliostat.errors import ConfigError
from heliostat.plugins.registry import Registry

METHOD = METHODS["reads_table"]


@pytest.fixture(scope="module")
def plugins() -> Registry:
    found = Registry()
    found.register(heliostat_test_methods, "tests")
    return found


def config(plugins: Registry, *overrides: str, **values: Any) -> Any:
    return resolve(METHOD, plugins, values=values, overrides=overrides)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("rate=1e-3", ["rate"], 0.001),
        ("rate = 2", ["rate"], 2),
        ("a.b.c=true", ["a", "b", "c"], True),
        ("x=[1, 2]", ["x"], [1, 2]),
        ('x="a=b"', ["x"], "a=b"),
        ("x=a=b", ["x"], "a=b"),
        ("x=csv:some/file.csv", ["x"], "csv:some/file.csv"),
        ('loss={name="focal", gamma=1.5}', ["loss"], {"name": "focal", "gamma": 1.5}),
        ("x=", ["x"], ""),
    ],
)
def test_an_override_is_a_toml_value_or_a_string(text: str, path: list[str], value: Any) -> None:
    assert parse_override(text) == (path, value)


@pytest.mark.parametrize("text", ["rate", "=1", "a..b=1", ".a=1"])
def test_an_override_without_a_path_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        parse_override(text)


def test_later_sources_win(plugins: Registry) -> None:
    found = config(plugins, "rate=0.3", "section.width=9", rate=0.2, mode="exact")
    assert (found.rate, found.mode) == (0.3, "exact")
    assert (found.section.width, found.section.name) == (9, "plain")


def test_setting_a_sections_name_leaves_its_other_fields(plugins: Registry) -> None:
    found = config(plugins, "section.name=other", section={"name": "given", "width": 9})
    assert (found.section.name, found.section.width) == ("other", 9)


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("rat=0.2", ["rat", "did you mean 'rate'"]),
        ("section.widht=2", ["section.widht", "did you mean 'width'"]),
        ("rate=2", ["rate = 2", "less than 1"]),
        ("rate=fast", ["rate = 'fast'", "valid number"]),
        ("section.width=65", ["section.width = 65", "less than or equal to 64"]),
        ("section=3", ["section = 3"]),
        ("rate.x=3", ["rate", "valid number"]),
        ("mode=exakt", ["mode = 'exakt'", "'fast' or 'exact'", "did you mean 'exact'"]),
        ("widths=[1, two]", ["widths"]),
        ("widths=[1, 2.5]", ["widths.1 = 2.5"]),
        ("loss=focl", ["loss = 'focl'", "did you mean 'focal'"]),
        ('loss={name="focal", gama=1}', ["loss.gama", "did you mean 'gamma'"]),
        ('loss={name="focal", gamma="high"}', ["loss.gamma = 'high'", "valid number"]),
        ("loss={gamma=1}", ["loss"]),
        ("loss=3", ["loss = 3"]),
        ("data=csvv:file", ["data", "csv:..."]),
    ],
)
def test_a_mistake_names_field_value_and_what_was_expected(
    plugins: Registry, override: str, parts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(plugins, override)
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_part_is_named_with_or_without_parameters(plugins: Registry) -> None:
    found = config(plugins, 'loss={name="focal", gamma=1.5}')
    assert found.loss == PartRef("focal", {"gamma": 1.5}, "loss")
    assert plain(found)["loss"] == {"name": "focal", "gamma": 1.5}
    again = config(plugins, "loss.gamma=2.5", loss={"name": "focal", "gamma": 1.5})
    assert again.loss.params == {"gamma": 2.5}
    other = config(plugins, "loss.name=mse", loss={"name": "focal", "gamma": 1.5})
    assert other.loss == PartRef("mse", {}, "loss")


def test_a_configuration_survives_toml(plugins: Registry, tmp_path: Path) -> None:
    first = config(plugins, "rate=0.25", "widths=[]", 'loss={name="focal", gamma=1.5}')
    path = tmp_path / "run.toml"
    path.write_text(tomli_w.dumps({"method": METHOD.name, "seed": 3, "config": plain(first)}))
    file = read_run_file(path)
    assert (file.method, file.seed, file.preset) == (METHOD.name, 3, None)
    assert resolve(METHOD, plugins, values=file.config) == first


def test_an_unset_value_of_a_preset_survives_toml(plugins: Registry) -> None:
    method = METHODS["limited"]
    free = resolve(method, plugins, preset="free")
    assert free.limit is None  # type: ignore[attr-defined]
    assert resolve(method, plugins, values=plain(free)) == free


def test_an_unknown_preset_names_the_nearest(plugins: Registry) -> None:
    with pytest.raises(ConfigError, match="did you mean 'smoke'"):
        resolve(METHOD, plugins, preset="smok")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('method = "x"\nsead = 1', ["sead", "did you mean 'seed'"]),
        ("seed = 1", ["method"]),
        ('method = "x"\nseed = "one"', ["seed = 'one'", "int"]),
        ('method = "x"\nseed = true', ["seed = True", "int"]),
        ('method = "x"\nconfig = 3', ["config = 3"]),
        ('method = "x"\nrate = = 3', ["valid TOML", "line 2"]),
        ("\xff", ["valid TOML"]),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        read_run_file(path)
    for part in [*parts, "bad.toml"]:
        assert part in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        read_run_file(tmp_path / "nothing.toml")


def test_a_product_is_named_with_parameters_in_a_table_or_in_short(plugins: Registry) -> None:
    assert config(plugins, "loss=run:some-run").loss == PartRef("run:some-run", {}, "loss")
    table = config(plugins, 'loss={name="run:some-run/one", gamma=1, budget="12ms"}').loss
    assert table == PartRef("run:some-run/one", {"gamma": 1, "budget": "12ms"}, "loss")
    short = config(plugins, "loss=run:some-run/one?gamma=1&budget=12ms")
    assert short.loss == table
    assert plain(short)["loss"] == {"name": "run:some-run/one", "gamma": 1, "budget": "12ms"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12ms", "12ms"), ("3", 3), ("3e6", 3e6), (".5", 0.5), ("true", True), ('"3"', "3"),
        ("[1, 2]", [1, 2]), ("2024-01-01", "2024-01-01"), ("", ""), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_a_parameter_in_short_is_a_toml_value_or_text(
    plugins: Registry, text: str, value: Any
) -> None:
    params = config(plugins, f"loss=run:some-run?x={text}").loss.params
    assert params == {"x": value} and type(params["x"]) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run:r?budget", "run:r?key=value&key=value, not 'budget'"),
        ("run:r?=3", "run:r?key=value&key=value, not '=3'"),
        ("run:r?a=1&&b=2", "run:r?key=value&key=value, not ''"),
        ("run:r?name=x", "not 'name=x'"),
        ("run:r?a=1&a=2", "every parameter once, a is given twice"),
        ('{name="run:r?a=1", a=2}', "every parameter once, a is given twice"),
    ],
)
def test_parameters_in_short_that_are_none_are_refused(
    plugins: Registry, text: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(plugins, f"loss={text}")
    assert "loss" in str(caught.value) and words in str(caught.value)


def test_extendable_fields_are_known() -> None:
    assert extendable_fields(METHODS["count"].config) == {"rounds"}


def test_a_configuration_is_frozen(plugins: Registry) -> None:
    with pytest.raises(ValueError, match="frozen"):
        config(plugins).rate = 0.5


class Inner(MethodConfig):
    rate: float = 0.1


class OfSeveralKinds(MethodConfig):
    kernels: tuple[Annotated[int, Field(ge=1)] | str, ...] = (3,)
    limit: Annotated[int, Field(ge=0)] | float | None = None
    inner: Inner | str = Inner()
    named: dict[str, Inner | int] = Field(default_factory=dict)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"kernels": [3, -1]}, "kernels.1 = -1: expected greater than or equal to 1 or a valid st"),
        ({"kernels": 3}, "kernels = 3: expected a valid list"),
        ({"limit": "x"}, "limit = 'x': expected a valid integer, unable to parse string as an int"),
        ({"inner": {"rate": "x"}}, "inner.rate = 'x': expected a valid number"),
        ({"inner": {"rat": 1}}, "inner.rat = 1: expected a known field; did you mean 'rate'?"),
        ({"named": {"a": {"rate": []}}}, "named.a.rate = [...]: expected a valid number"),
        ({"other": 1}, "other = 1: expected a known field"),
    ],
)
def test_a_value_of_several_kinds_is_named_as_it_is_written(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        validate(OfSeveralKinds, values)
    assert str(refused.value).replace("[]", "[...]").startswith(message)
