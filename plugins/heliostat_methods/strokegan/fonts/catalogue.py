"""Known fonts of Chinese characters: where each comes from, its licence, and whether it is there.

Fonts are searched by file name in the folders that `HELIOSTAT_FONTS` names (several are separated
as in PATH) and in those of the desktop (XDG). Nothing is downloaded: `FontStatus.get` says which
package brings a font.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from heliostat_methods.strokegan.fonts.errors import FontError

FONTS_VARIABLE = "HELIOSTAT_FONTS"
"""Names folders in which fonts are searched first, with all folders below them."""

Origin = Literal["debian", "npm", "embedded"]
EMBEDDED = Path(__file__).resolve().parent.parent / "data" / "fonts"


@dataclass(frozen=True)
class KnownFont:
    """A font, the package that brings it, and what may be done with it."""

    name: str
    package: str
    files: tuple[str, ...]
    """File names, the one to be preferred first."""
    style: str
    licence: str
    face: int = 0
    """Number of the face in a collection (.ttc)."""
    origin: Origin = "debian"
    traditional: bool = False
    """Whether it is for traditional characters: it lacks a third of GB2312."""

    @property
    def get(self) -> str:
        """What gets it."""
        match self.origin:
            case "debian":
                return f"apt-get install {self.package}"
            case "npm":
                return f"npm install --prefix FOLDER {self.package}; {FONTS_VARIABLE}=FOLDER"
            case _:
                return "part of this method"


@dataclass(frozen=True)
class FontStatus:
    """A known font and the file that was found of it, or None."""

    font: KnownFont
    file: Path | None


_ARPHIC, _OFL, _GPL = "Arphic Public License", "OFL-1.1", "GPL-2+"
_WENKAI = "fonts-lxgw-wenkai"


def _npm(name: str, style: str) -> KnownFont:
    base = f"{name}-chinese-simplified-400-normal"
    files = (f"{base}.woff", f"{base}.woff2")
    return KnownFont(name, f"@fontsource/{name}", files, style, _OFL, origin="npm")


def _cwtex(suffix: str, style: str) -> KnownFont:
    return KnownFont(
        f"cwtex-{suffix}", f"fonts-cwtex-{suffix}", (f"cw{suffix}.ttf",), style, _GPL,
        traditional=True,
    )  # fmt: skip


KNOWN_FONTS: tuple[KnownFont, ...] = (
    KnownFont("sample-kai", "", ("sample-kai.ttf",), "regular script, 1,000 characters", _OFL,
              origin="embedded"),
    KnownFont("sample-kuaile", "", ("sample-kuaile.ttf",), "rounded display, 1,000 characters",
              _OFL, origin="embedded"),
    KnownFont("gkai00mp", "fonts-arphic-gkai00mp", ("gkai00mp.ttf",), "regular script", _ARPHIC),
    KnownFont("gbsn00lp", "fonts-arphic-gbsn00lp", ("gbsn00lp.ttf",), "song", _ARPHIC),
    KnownFont("ukai", "fonts-arphic-ukai", ("ukai.ttc",), "regular script", _ARPHIC),
    KnownFont("uming", "fonts-arphic-uming", ("uming.ttc",), "song", _ARPHIC),
    KnownFont("bkai00mp", "fonts-arphic-bkai00mp", ("bkai00mp.ttf",), "regular script", _ARPHIC,
              traditional=True),
    KnownFont("bsmi00lp", "fonts-arphic-bsmi00lp", ("bsmi00lp.ttf",), "song", _ARPHIC,
              traditional=True),
    KnownFont("wqy-zenhei", "fonts-wqy-zenhei", ("wqy-zenhei.ttc",), "sans",
              "GPL-2 with font exception"),
    KnownFont("wqy-microhei", "fonts-wqy-microhei", ("wqy-microhei.ttc",), "sans",
              "Apache-2.0 or GPL-3 with font exception"),
    KnownFont("noto-sans-sc", "fonts-noto-cjk", ("NotoSansCJK-Regular.ttc",), "sans", _OFL, 2),
    KnownFont("noto-sans-sc-bold", "fonts-noto-cjk", ("NotoSansCJK-Bold.ttc",), "sans, bold", _OFL,
              2),
    KnownFont("noto-serif-sc", "fonts-noto-cjk", ("NotoSerifCJK-Regular.ttc",), "song", _OFL, 2),
    KnownFont("noto-serif-sc-bold", "fonts-noto-cjk", ("NotoSerifCJK-Bold.ttc",), "song, bold",
              _OFL, 2),
    KnownFont("lxgw-wenkai", _WENKAI, ("LXGWWenKai-Regular.ttf",), "regular script", _OFL),
    KnownFont("lxgw-wenkai-light", _WENKAI, ("LXGWWenKai-Light.ttf",), "regular script, light",
              _OFL),
    KnownFont("lxgw-wenkai-bold", _WENKAI, ("LXGWWenKai-Bold.ttf",), "regular script, bold", _OFL),
    KnownFont("smiley-sans", "fonts-smiley-sans", ("SmileySans-Oblique.ttf",), "oblique display",
              _OFL),
    KnownFont("tw-kai", "fonts-cns11643-kai", ("TW-Kai-98_1.ttf",), "regular script",
              "OGDL-TW-1.0"),
    KnownFont("tw-sung", "fonts-cns11643-sung", ("TW-Sung-98_1.ttf",), "song", "OGDL-TW-1.0"),
    _cwtex("fs", "imitated song"),
    _cwtex("heib", "sans, bold"),
    _cwtex("kai", "regular script"),
    _cwtex("ming", "song"),
    _cwtex("yen", "rounded"),
    KnownFont("hanamin-a", "fonts-hanazono", ("HanaMinA.ttf",), "song", "own licence or OFL-1.1"),
    KnownFont("babelstone-han", "fonts-babelstone-han", ("BabelStoneHan.ttf",), "song", _ARPHIC),
    _npm("ma-shan-zheng", "brush"),
    _npm("zhi-mang-xing", "running hand"),
    _npm("liu-jian-mao-cao", "cursive"),
    _npm("long-cang", "pen, running hand"),
    _npm("zcool-kuaile", "rounded display"),
    _npm("zcool-xiaowei", "song, display"),
    _npm("zcool-qingke-huangyou", "condensed display"),
)  # fmt: skip
"""All of them, the embedded ones first."""
_BY_NAME = {font.name: font for font in KNOWN_FONTS}


def font_folders() -> tuple[Path, ...]:
    """Return the folders that are searched, in this order; they need not exist."""
    named = os.environ.get(FONTS_VARIABLE, "").split(os.pathsep)
    own = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(os.pathsep)
    desktop = [os.path.join(one, "fonts") for one in (own, *shared) if one]
    return tuple(Path(one) for one in (*filter(None, named), *desktop))


def font_statuses(folders: Sequence[Path] | None = None) -> tuple[FontStatus, ...]:
    """Return every known font with its file, or None where it is in none of the folders."""
    files = _files_by_name(folders, {name for font in KNOWN_FONTS for name in font.files})
    return tuple(FontStatus(font, _first(font, files)) for font in KNOWN_FONTS)


def available(folders: Sequence[Path] | None = None) -> dict[str, Path]:
    """Return the names of the known fonts that are there, with their files."""
    return {
        status.font.name: status.file
        for status in font_statuses(folders)
        if status.file is not None
    }


def known_font(name: str) -> KnownFont:
    """Return a known font; raises `FontError` with the nearest name, and all, for another."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = difflib.get_close_matches(name, _BY_NAME, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise FontError(
        f"font must be a file or one of {', '.join(_BY_NAME)}, got {name!r} (no such file){hint}"
    )


def resolved(font: str | Path, folders: Sequence[Path] | None = None) -> tuple[Path, int]:
    """Return the file and the face of a font, given as a file or as a known font's name.

    Raises `FontError` for a known font that is not there, saying how to get it, and for what is
    neither a file nor a name.
    """
    if isinstance(font, Path) or Path(font).is_file():
        return Path(font), 0
    if os.sep in font or Path(font).suffix:
        raise FontError(f"font file {font} cannot be read: no such file")
    known = known_font(font)
    file = _first(known, _files_by_name(folders, set(known.files)))
    if file is None:
        raise FontError(f"font {font} is not installed; get it with: {known.get}")
    return file, known.face


def _first(font: KnownFont, files: dict[str, Path]) -> Path | None:
    return next((files[name] for name in font.files if name in files), None)


def _files_by_name(folders: Iterable[Path] | None, wanted: set[str]) -> dict[str, Path]:
    """Return the files of the wanted names: the embedded ones, and the first found of others."""
    found: dict[str, Path] = {}
    for folder in (EMBEDDED, *(font_folders() if folders is None else folders)):
        for place, below, names in os.walk(folder):
            below.sort()
            for name in wanted.intersection(names):
                found.setdefault(name, Path(place, name))
    return found
