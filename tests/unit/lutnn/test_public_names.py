"""The package as a plain library: names found when used, an example that runs, a cheap import."""

import doctest
import subprocess
import sys

from heliostat_methods import lutnn

HEAVY = ("numba", "numpy", "ray", "scipy", "sklearn", "torch")


def test_every_public_name_exists():
    for name in lutnn.__all__:
        value = getattr(lutnn, name)
        assert value.__module__ == f"{lutnn.__name__}.{lutnn._HOME[name]}"
    assert set(lutnn.__all__) == set(lutnn._HOME) <= set(dir(lutnn))


def test_the_table_of_names_is_sorted():
    assert list(lutnn._HOME) == sorted(lutnn._HOME)


def test_the_example_of_the_package_runs():
    result = doctest.testmod(lutnn)
    assert result.attempted >= 5
    assert result.failed == 0


def test_importing_the_package_and_its_parts_loads_no_numerical_library():
    program = (
        "import sys, heliostat_methods.lutnn, heliostat_methods.lutnn.parts;"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
