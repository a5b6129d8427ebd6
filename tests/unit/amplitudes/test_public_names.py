"""The package as a plain library: names found when used, an example that runs, a cheap import."""

import doctest
import subprocess
import sys

from heliostat_methods import amplitudes

HEAVY = ("numba", "numpy", "ray", "scipy", "sympy", "torch", "deap")


def test_every_public_name_exists():
    for name in amplitudes.__all__:
        value = getattr(amplitudes, name)
        assert value.__module__ == f"{amplitudes.__name__}.{amplitudes._HOME[name]}"
    assert set(amplitudes.__all__) == set(amplitudes._HOME) <= set(dir(amplitudes))


def test_the_table_of_names_is_sorted():
    assert list(amplitudes._HOME) == sorted(amplitudes._HOME)


def test_the_example_of_the_package_runs():
    result = doctest.testmod(amplitudes)
    assert result.attempted >= 4
    assert result.failed == 0


def test_importing_the_package_and_its_method_loads_no_numerical_library():
    program = (
        "import sys, heliostat_methods.amplitudes, heliostat_methods.amplitudes.method;"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
