"""The package as a plain library: names found when used, an example that runs, a cheap import."""

import doctest
import subprocess
import sys

from heliostat_methods import strokegan

HEAVY = ("numba", "numpy", "ray", "scipy", "torch", "PIL", "fontTools")


def test_every_public_name_exists():
    for name in strokegan.__all__:
        value = getattr(strokegan, name)
        assert value.__module__ == f"{strokegan.__name__}.{strokegan._HOME[name]}"
    assert set(strokegan.__all__) == set(strokegan._HOME) <= set(dir(strokegan))


def test_the_table_of_names_is_sorted():
    assert list(strokegan._HOME) == sorted(strokegan._HOME)


def test_the_example_of_the_package_runs():
    result = doctest.testmod(strokegan)
    assert result.attempted >= 4
    assert result.failed == 0


def test_importing_the_package_and_its_method_loads_no_numerical_library():
    program = (
        "import sys, heliostat_methods.strokegan, heliostat_methods.strokegan.method;"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
