"""Libraries that only this room needs are named where they are missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from heliostat_methods.strokegan.font_file.libraries import font_tools, pillow


@pytest.mark.parametrize(
    ("load", "module", "package"),
    [(font_tools, "fontTools.ttLib", "fonttools"), (pillow, "PIL.Image", "pillow")],
)
def test_a_missing_library_is_named(monkeypatch, load, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"need the package {package}: pip install {package}"):
        load(module.split(".")[1])


def test_importing_the_room_loads_neither():
    code = (
        "import sys; import heliostat_methods.strokegan.font_file.export,"
        " heliostat_methods.strokegan.font_file.scan;"
        " sys.exit(any(n in sys.modules for n in ('fontTools', 'PIL', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
