"""fontTools and Pillow, which nothing but this room needs: loaded when first used."""

from __future__ import annotations

import importlib
from typing import Any


def font_tools(module: str) -> Any:
    """Return a module of fontTools; raises ImportError with what to install."""
    return _loaded(f"fontTools.{module}", "fonttools")


def pillow(module: str) -> Any:
    """Return a module of Pillow; raises ImportError with what to install."""
    return _loaded(f"PIL.{module}", "pillow")


def _loaded(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"font files need the package {package}: pip install {package}"
        ) from error
