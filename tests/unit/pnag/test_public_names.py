"""The package as a plain library: names found when used, an example that runs, a cheap import."""

import doctest
import subprocess
import sys

import pytest

from heliostat_methods import pnag

HEAVY = ("numba", "numpy", "optuna", "pandas", "pymoo", "ray", "scipy", "sklearn", "torch")


def test_every_public_name_exists():
    for name in pnag.__all__:
        assert getattr(pnag, name).__module__ == f"{pnag.__name__}.{pnag._HOME[name]}"
    assert set(pnag.__all__) == set(pnag._HOME) <= set(dir(pnag))


def test_the_table_of_names_is_sorted():
    assert list(pnag._HOME) == sorted(pnag._HOME)


def test_a_name_that_is_not_public_is_refused():
    with pytest.raises(AttributeError, match=r"pnag' has no attribute 'Joined'"):
        getattr(pnag, "Joined")  # noqa: B009 - that is what is asked for


def test_the_example_of_the_package_runs():
    result = doctest.testmod(pnag)
    assert result.attempted >= 4
    assert result.failed == 0


def test_importing_the_package_and_its_plugin_loads_no_numerical_library():
    program = (
        "import sys, heliostat_methods.pnag, heliostat_methods.pnag.method;"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
