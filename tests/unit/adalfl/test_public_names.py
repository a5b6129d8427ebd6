"""What the package offers, and that nothing heavy loads before it is used."""

import doctest
import subprocess
import sys

import pytest

import heliostat_methods.adalfl as package


def test_every_public_name_is_there_and_no_other() -> None:
    assert set(dir(package)) >= set(package.__all__) == {*package._HOME, *package._SHARED}
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match=r"'heliostat_methods.adalfl' has no attribute 'Ada'"):
        _ = package.Ada


def test_the_five_lines_of_the_docstring_run() -> None:
    assert doctest.testmod(package).failed == 0


def test_neither_package_nor_method_loads_torch() -> None:
    code = (
        "import sys, heliostat_methods.adalfl, heliostat_methods.adalfl.method; "
        "print('torch' in sys.modules, 'ray' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
