"""The package as a plain library: names found when used, an example that runs, a cheap import."""

import doctest
import subprocess
import sys

from heliostat_methods import fams

HEAVY = ("numba", "numpy", "pandas", "ray", "scipy", "sklearn", "torch")


def test_every_public_name_exists():
    for name in fams.__all__:
        value = getattr(fams, name)
        home = f"{fams.__name__}.{fams._HOME[name]}"
        assert getattr(value, "__module__", home) == home  # a tuple of widths has none
    assert set(fams.__all__) == set(fams._HOME) <= set(dir(fams))


def test_the_table_of_names_is_sorted():
    assert list(fams._HOME) == sorted(fams._HOME)


def test_the_example_of_the_package_runs():
    result = doctest.testmod(fams)
    assert result.attempted >= 4
    assert result.failed == 0


def test_importing_the_package_and_its_plugin_loads_no_numerical_library():
    program = (
        "import sys, heliostat_methods.fams, heliostat_methods.fams.method;"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
