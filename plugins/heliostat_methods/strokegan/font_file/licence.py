"""What the fonts that glyphs come from allow, and what the name table says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heliostat_methods.strokegan.font_file.libraries import font_tools

EMBEDDING = {
    0x0002: "restricted licence",
    0x0004: "preview and print embedding only",
    0x0008: "editable embedding only",
    0x0100: "no subsetting",
    0x0200: "bitmap embedding only",
}
"""Bits of OS/2 fsType; none set is installable embedding."""
LONGEST = 32_767
"""Characters of a string of the name table: its length in bytes has 16 bits."""


@dataclass(frozen=True)
class FontLicence:
    """One font that glyphs come from, or drawings by hand."""

    role: str
    """What it was used as: source, target, drawings."""
    family: str
    text: str
    """The licence, or at least its name."""
    url: str = ""
    copyright: str = ""
    embedding: int = 0
    """OS/2 fsType."""

    def restrictions(self) -> list[str]:
        """Return what its fsType forbids, in words; none for an installable font."""
        known = [word for bit, word in EMBEDDING.items() if self.embedding & bit]
        unknown = self.embedding & ~sum(EMBEDDING)
        return known + ([f"unknown bits {unknown:#06x}"] if unknown else [])


def read_licence(path: str | Path, role: str, face: int = 0) -> FontLicence:
    """Return what a font file says of its licence; ``role`` is source or target.

    Raises ValueError for what is no font, and where its name table has neither licence, address
    nor copyright: then give a ``FontLicence`` yourself.
    """
    library = font_tools("ttLib")
    try:
        with library.TTFont(path, fontNumber=face, lazy=True) as font:
            names = [font["name"].getDebugName(number) or "" for number in (0, 1, 13, 14)]
            embedding = int(font["OS/2"].fsType) if "OS/2" in font else 0
    except (library.TTLibError, KeyError) as error:
        raise ValueError(f"path: {path} cannot be read as a font: {error}") from None
    notice, family, text, url = (name.strip() for name in names)
    if not (text or url or notice):
        raise ValueError(
            f"path: {path} names no licence; say it as FontLicence({role!r}, {family!r}, text)"
        )
    return FontLicence(role, family, text or url or notice, url, notice, embedding)


def checked_licences(
    licences: Sequence[FontLicence], family: str, allow_restricted: bool
) -> dict[str, str]:
    """Return the strings of a name table: copyright, licenceDescription, licenceInfoURL.

    Raises ValueError where there is no licence, one is empty, one restricts embedding and that was
    not allowed, or the new family has the name of a font that it comes from.
    """
    if not licences:
        raise ValueError("licences: none, expected those of the source and of the target font")
    for one in licences:
        if not one.text.strip():
            raise ValueError(f"licences: that of {one.role} font {one.family!r} has no text")
        if one.family.strip().casefold() == family.strip().casefold():
            raise ValueError(
                f"family: {family!r} is the name of the {one.role} font; a changed font needs its "
                "own, and licences may reserve the other"
            )
        if one.restrictions() and not allow_restricted:
            raise ValueError(
                f"licences: {one.role} font {one.family!r} has fsType {one.embedding} "
                f"({', '.join(one.restrictions())}); if its licence lets you export glyphs made "
                "from it, say allow_restricted=True"
            )
    texts = [f"Glyphs from the {one.role} font {one.family}: {one.text}" for one in licences]
    notices = [one.copyright for one in licences if one.copyright]
    strings = {
        "copyright": "\n".join(dict.fromkeys(notices)),
        "licenseDescription": "\n\n".join(texts),
        "licenseInfoURL": next((one.url for one in reversed(licences) if one.url), ""),
    }
    for name, text in strings.items():
        if len(text) > LONGEST:
            raise ValueError(
                f"licences: {name} has {len(text):,} characters together, expected at most "
                f"{LONGEST:,}; name a licence and its address instead of its text"
            )
    return {name: text for name, text in strings.items() if text}


def joint_embedding(licences: Sequence[FontLicence]) -> int:
    """Return the fsType of a font made from others: the most restrictive use, all other bits."""
    uses = [one.embedding & 0x000E for one in licences]
    # Of the three uses at most one bit may be set; the least is the most restrictive.
    use = min((u & -u for u in uses if u), default=0)
    rest = 0
    for one in licences:
        rest |= one.embedding & ~0x000E
    return use | rest
