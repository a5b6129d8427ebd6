"""What a tuning takes: its fields, the space against the method's fields, values by dotted path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from heliostat_test_methods import METHODS, PartsConfig

from heliostat import ConfigError, PartRef
from heliostat.contract.config import validate
from heliostat.plugins.registry import registry
from heliostat_methods.tune.config import TuneConfig
from heliostat_methods.tune.fields import (
    field_at,
    flattened,
    parts_named,
    read_space,
    value_at,
    with_values,
)
from heliostat_search.strategies.space import Choice, Integer, Real

TABLE = METHODS["tuned_table"]
BASE = PartsConfig()
WIDTH = {"section": {"width": {"low": 1, "high": 64}}}


@pytest.fixture(autouse=True)
def with_test_methods(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' methods are there by name."""
    monkeypatch.setenv("HELIOSTAT_LOAD", "heliostat_teaching.plugin,heliostat_test_methods")
    registry.cache_clear()
    yield
    registry.cache_clear()


def tuning(**fields: Any) -> TuneConfig:
    values = {"method": "tuned_table", "space": {"rate": {"low": 0.1, "high": 0.4}}, **fields}
    return validate(TuneConfig, values)


def test_sections_become_dotted_paths_in_order() -> None:
    nested = {"section": {"width": {"low": 1, "high": 2}}, "rate": {"choices": [1, 2]}}
    assert flattened(nested) == {
        "rate": {"choices": [1, 2]}, "section.width": {"low": 1, "high": 2},
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"space\.section\.width"):
        flattened({"section": {"width": 3}})


def test_a_range_holds_what_the_field_holds() -> None:
    space = read_space(TABLE, BASE, {"rate": {"low": 0.1, "high": 0.4}, **WIDTH})
    assert space == {"rate": Real(0.1, 0.4), "section.width": Integer(1, 64)}


def test_a_path_leads_through_sections_and_into_parts() -> None:
    focal = PartsConfig(loss=PartRef("focal", {}, "loss"))
    assert field_at(TABLE, BASE, "section.width").annotation is int
    assert field_at(TABLE, focal, "loss.gamma").annotation is float
    with pytest.raises(ConfigError, match=r"did you mean 'width'"):
        field_at(TABLE, BASE, "section.wdith")
    with pytest.raises(ConfigError, match="no field below rate"):
        field_at(TABLE, BASE, "rate.low")


def test_values_go_where_their_paths_lead_and_leave_the_rest() -> None:
    changed = with_values(BASE, {"section.width": 7, "loss.label_smoothing": 0.1})
    assert changed["section"]["width"] == 7
    assert changed["loss"] == {"name": "cross_entropy", "label_smoothing": 0.1}
    assert changed["rate"] == BASE.rate and BASE.section.width == 3
    assert value_at(BASE, "section.width") == 3
    assert value_at(BASE, "section.width.more") is None


def test_a_part_is_chosen_before_its_fields_are_set() -> None:
    changed = with_values(BASE, {"loss.gamma": 0.7, "loss": "focal"})
    assert changed["loss"] == {"name": "focal", "gamma": 0.7}


def test_parts_that_choices_name_belong_to_the_run() -> None:
    space = {"data": Choice(("wine", "diabetes")), "rate": Choice((0.1, 0.2))}
    assert [part.name for part in parts_named(TABLE, BASE, space)] == ["wine", "diabetes"]
    config = tuning(space={"data": {"choices": ["wine", "diabetes"]}})
    assert [part.name for part in config.named_parts] == ["wine", "diabetes"]


def test_objectives_are_those_that_the_method_declares() -> None:
    assert tuning().directions == {"value": "min"}
    with pytest.raises(ConfigError, match="a result of tuned_table; did you mean 'value'"):
        tuning(objectives=["valeu"])


def test_a_base_configuration_is_one_of_the_method() -> None:
    config = tuning(base={"rate": 0.3})
    assert isinstance(config.base, PartsConfig) and config.base.rate == 0.3
    with pytest.raises(ConfigError, match=r"base\.rate = 2"):
        tuning(base={"rate": 2.0})


def test_a_trials_duration_is_the_product_of_its_cost_fields() -> None:
    config = tuning(space={**WIDTH, "rate": {"low": 0.1, "high": 0.4}},
                    cost=["section.width", "rate"])  # fmt: skip
    assert config.duration({"section.width": 8}) == pytest.approx(8 * 0.1)
    assert config.duration({"section.width": 8, "rate": 0.2}) == pytest.approx(8 * 0.2)
    with pytest.raises(ConfigError, match="holds a positive number"):
        tuning(cost=["mode"])


def test_a_tuning_is_not_tuned() -> None:
    with pytest.raises(ConfigError, match="another method than tune"):
        tuning(method="tune")
