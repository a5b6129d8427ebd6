"""What every page has round it."""

from __future__ import annotations

from heliostat.ui.markup import Html, element, joined, link


def page(
    title: str, *content: object, events: str = "", trail: object = None, wide: bool = False
) -> str:
    """Return a whole page. `events`: the address that its parts are kept up to date from."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · Heliostat"),
        element("link", rel="icon", href="data:,"),
        element("link", rel="stylesheet", href="/static/report.css"),
        element("link", rel="stylesheet", href="/static/ui.css"),
        element("script", src="/static/ui.js", defer=True),
    )
    top = element(
        "div", link("/", "Heliostat"), trail, element("span", id="live", hidden=True), class_="top"
    )
    names = "broad" if wide else None
    body = element("body", top, *content, class_=names, data_events=events or None)
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en")


def name_of(text: str) -> Html:
    """Return a stranger's name: it may turn the direction of writing for itself alone."""
    return element("bdi", text)


def badge(state: str) -> Html:
    """Return a run's state."""
    known = state if state.isidentifier() else "unknown"
    return element("span", state, class_=f"state {known}")


def tags_of(tags: object) -> Html | None:
    """Return a run's tags, None when it has none."""
    if not isinstance(tags, dict) or not tags:
        return None
    shown = [element("li", name_of(f"{k}={v}" if v else k)) for k, v in tags.items()]
    return element("ul", *shown, class_="tags")


def apology(title: str, text: str) -> str:
    """Return the page that says in a sentence why there is no other."""
    return page(title, element("header", element("h1", title)), element("p", text))


def facts(*pairs: tuple[str, object]) -> Html:
    """Return names and values as small tiles."""
    tiles = [
        element("div", element("dt", name), element("dd", joined(value)))
        for name, value in pairs
        if value not in (None, "", "–")
    ]
    return element("dl", *tiles, class_="facts")
