"""Opening a font file, or saying why not: TrueType, OpenType, collections, WOFF, WOFF2."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from heliostat_methods.strokegan.fonts.errors import FontError

_COLLECTION, _WOFF2 = b"ttcf", b"wOF2"


def opened(file: Path, face: int = 0) -> Any:
    """Return one face of a font file as fontTools' ``TTFont``, tables read when used.

    Raises `FontError` for a file that is missing or no font and a face that it lacks, and
    ``ImportError`` saying what to install where fontTools is missing, or brotli for WOFF2.
    """
    check_face(file, face)
    library = package("fontTools.ttLib", "fonttools")
    if _begin(file)[:4] == _WOFF2:
        package("brotli", "brotli")
    try:
        return library.TTFont(file, fontNumber=face, lazy=True)
    # Damaged tables make the reader fail in many ways, few of them its own.
    except Exception as error:
        raise FontError(f"{file} cannot be read as a font: {error}") from None


def check_face(file: Path, face: int) -> None:
    """Raise `FontError` for a file that is missing and for a face that it does not have."""
    begin = _begin(file)
    faces = int.from_bytes(begin[8:12], "big") if begin[:4] == _COLLECTION else 1
    if not 0 <= face < faces:
        raise FontError(f"face must be from 0 to {faces - 1} in {file}, got {face}")


def package(module: str, name: str) -> ModuleType:
    """Return a module of an optional package, or raise ``ImportError`` saying what to install."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"fonts need the package {name}: pip install {name}") from None


def _begin(file: Path) -> bytes:
    try:
        with file.open("rb") as opened_file:
            return opened_file.read(12)
    except OSError as error:
        raise FontError(f"font file {file} cannot be read: {error.strerror or error}") from None
