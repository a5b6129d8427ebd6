import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.pnag.cost.budget import Budget, read_budget, write

READ = {
    "12ms": Budget("latency", 0.012),
    "0.012s": Budget("latency", 0.012),
    " 12 ms ": Budget("latency", 0.012),
    "350us": Budget("latency", 350e-6),
    "350\u00b5s": Budget("latency", 350e-6),
    ".5s": Budget("latency", 0.5),
    "1e-3s": Budget("latency", 0.001),
    "350M": Budget("madds", 350e6),
    "350MMAdds": Budget("madds", 350e6),
    "350Mmadds": Budget("madds", 350e6),
    "1.2GMAdds": Budget("madds", 1.2e9),
    "350124MAdds": Budget("madds", 350124),
    "2.5Mparams": Budget("params", 2.5e6),
    "500kparams": Budget("params", 5e5),
    "500 kParams": Budget("params", 5e5),
    "7params": Budget("params", 7),
}


@pytest.mark.parametrize(("text", "budget"), READ.items())
def test_budgets_as_people_write_them(text: str, budget: Budget) -> None:
    assert read_budget(text) == budget
    assert read_budget(text, budget.quantity) == budget


def test_a_number_alone_is_of_the_runs_quantity() -> None:
    assert read_budget("0.012", "latency") == Budget("latency", 0.012)
    assert read_budget("350M", "params") == Budget("params", 350e6)
    assert read_budget("350000000", "madds") == Budget("madds", 350e6)
    assert read_budget("350k", "madds") == Budget("madds", 350e3)


@pytest.mark.parametrize(
    ("text", "quantity", "message"),
    [
        ("12", None, r"budget = '12': expected a cost such as 12ms, 350MMAdds or 2\.5Mparams"),
        ("350k", None, r"budget = '350k': expected a cost such as"),
        ("12msec", None, r"budget = '12msec': .*did you mean ms\?"),
        ("12mparams", None, r"did you mean .*params\?"),
        ("12 parsecs", None, r"budget = '12 parsecs'.*(did you mean|units: s, ms, us)"),
        ("fast", None, r"budget = 'fast': expected a cost"),
        ("", None, r"budget = '': expected a cost"),
        ("-3ms", None, r"budget = '-3ms': expected a cost"),
        ("nan", "latency", r"budget = 'nan': expected a cost"),
        ("0ms", None, r"budget = 0\.0: expected a finite cost above 0"),
        ("1e999s", None, r"budget = inf: expected a finite cost above 0"),
        ("9" * 100 + "ms", None, r"budget = '99.*expected a cost"),
        ("12ms", "madds", r"budget = '12ms': expected multiply-adds, which this run's costs are"),
        ("350MMAdds", "latency", r"'350MMAdds': expected a time, which this run's costs are"),
        ("350M", "latency", r"budget = '350M': expected a cost"),
        ("12ms", "params", r"expected parameters, which this run's costs are"),
    ],
)
def test_anything_else_is_named(text: str, quantity: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_budget(text, quantity)


def test_an_unknown_quantity_is_named() -> None:
    with pytest.raises(ConfigError, match=r"quantity = 'energy': expected one of latency, madds"):
        Budget("energy", 1.0)


def test_budgets_are_written_short() -> None:
    assert Budget("latency", 0.012).write() == "12ms"
    assert Budget("latency", 1.5).write() == "1.5s"
    assert Budget("madds", 350e6).write() == "350MMAdds"
    assert Budget("params", 2.5e6).write() == "2.5Mparams"
    assert Budget("params", 999).write() == "999params"


@given(
    st.sampled_from(["latency", "madds", "params"]),
    st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False),
)
def test_what_is_written_reads_back_to_the_last_bit(quantity: str, value: float) -> None:
    budget = Budget(quantity, value)
    assert read_budget(write(budget)) == budget
