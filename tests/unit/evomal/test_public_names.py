"""The package as a plain library: names found when used, an example that runs, a cheap import."""

import doctest
import subprocess
import sys

from heliostat_methods import evomal

HEAVY = ("numba", "numpy", "ray", "scipy", "sympy", "torch")


def test_every_public_name_exists():
    for name in evomal.__all__:
        assert getattr(evomal, name).__module__ == f"{evomal.__name__}.{evomal._HOME[name]}"
    assert set(evomal.__all__) == set(evomal._HOME) <= set(dir(evomal))


def test_the_example_of_the_package_runs():
    result = doctest.testmod(evomal)
    assert result.attempted >= 4
    assert result.failed == 0


def test_importing_the_package_and_reading_a_loss_loads_no_numerical_library():
    program = (
        "import sys; from heliostat_methods.evomal import parse;"
        "parse('square(sub(y, 0.98*f))').formula();"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
