"""HTML that is escaped by construction: text becomes markup only by way of `element`."""

from __future__ import annotations

from heliostat.report.typeset import escape

_EMPTY = frozenset({"input", "link", "meta", "br"})


class Html(str):
    """Markup that was made here; every other text is escaped where it enters."""

    __slots__ = ()


def joined(*content: object) -> Html:
    """Return content one after the other: markup as it is, lists one by one, None as nothing."""
    parts = []
    for piece in content:
        if isinstance(piece, Html):
            parts.append(str(piece))
        elif isinstance(piece, list | tuple):
            parts.append(str(joined(*piece)))
        elif piece is not None:
            parts.append(escape(piece))
    return Html("".join(parts))


def element(tag: str, /, *content: object, **attributes: object) -> Html:
    """Return an element; `class_` and `data_x` stand for `class` and `data-x`.

    An attribute that is None or False is left out, True stands alone.
    """
    said = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        said += f" {word}" if value is True else f' {word}="{escape(value)}"'
    if tag in _EMPTY:
        return Html(f"<{tag}{said}>")
    return Html(f"<{tag}{said}>{joined(*content)}</{tag}>")


def link(to: str, /, *content: object, **attributes: object) -> Html:
    """Return a link within the pages: `to` begins with one slash, or is a query or a fragment."""
    if not to.startswith(("/", "?", "#")) or to.startswith("//"):
        raise ValueError(f"no place within the pages: {to!r}")
    return element("a", *content, href=to, **attributes)
