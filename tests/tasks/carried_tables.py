"""Small archives in the layout of the packages that carry data sets, made in a test's folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from heliostat_methods.parts.distributions import Distribution


def wheel(folder: Path, release: Distribution, content: bytes) -> Path:
    """Write a wheel that holds the table, zipped once more where the member is a zip file."""
    if release.member.endswith(".zip"):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(release.table, content)
        content = inner.getvalue()
    path = folder / f"{release.project}-{release.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{release.project}/__init__.py", b"raise SystemExit('never imported')")
        archive.writestr(release.member, content)
    return path


def sdist(folder: Path, release: Distribution, content: bytes) -> Path:
    """Write an sdist that holds the table behind another file."""
    top = f"{release.project}-{release.version}"
    path = folder / f"{top}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in (("setup.py", b"raise SystemExit"), (release.member, content)):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def csv_of(header: list[str], rows: list[list[object]]) -> bytes:
    """Return a table as the packages write it; no header if there are no names."""
    lines = [",".join(map(str, row)) for row in ([header, *rows] if header else rows)]
    return ("\n".join(lines) + "\n").encode()


def one_hot(place: int, count: int) -> list[object]:
    """Return 0 and a single 1."""
    return [int(at == place) for at in range(count)]
