"""Writing a method in one file, with its test; both or none."""

from __future__ import annotations

import importlib.util
from importlib import resources
from pathlib import Path
from string import Template

from heliostat.errors import ConfigError
from heliostat_kit.scaffold.names import Names

_HOME = "minimal"


def write_one(names: Names, parent: Path) -> list[Path]:
    """Write NAME.py and test_NAME.py into a folder and return them.

    Raises ConfigError when one exists, when a module has that name, or when they cannot be written.
    """
    for path in (parent / name for name in one_file(names)):
        if path.exists():  # before its module is found: this is what people mean by the name
            raise _exists(str(path))
    if importlib.util.find_spec(names.name) is not None:
        expected = "a name that no module of Python has: the file would not be imported"
        raise ConfigError("NAME", names.name, expected, f"for example 'my_{names.name}'")
    written: list[Path] = []
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for name, text in one_file(names).items():
            path = parent / name
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except FileExistsError as error:
        _remove(written)
        raise _exists(str(error.filename)) from error
    except OSError as error:
        _remove(written)
        expected = "a folder that can be written to"
        raise ConfigError("--folder", str(parent), expected, str(error.strerror)) from error
    return written


def _exists(path: str) -> ConfigError:
    hint = f"{path} is there and is left as it is; choose another NAME or --folder"
    return ConfigError("NAME", path, "a file that does not exist yet", hint)


def one_file(names: Names) -> dict[str, str]:
    """Return the contents of the method's file and of its test, by their names."""
    folder = resources.files("heliostat_kit.scaffold") / _HOME
    return {
        target: Template((folder / source).read_text(encoding="utf-8")).substitute(
            name=names.name, klass=names.klass
        )
        for target, source in (
            (f"{names.name}.py", "method.py.txt"),
            (f"test_{names.name}.py", "test_method.py.txt"),
        )
    }


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
