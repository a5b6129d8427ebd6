"""Server-sent events: a page's parts, sent again whenever what they are read from has changed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from anyio import to_thread

from heliostat.errors import told
from heliostat.store.folder import RunFolder
from heliostat.store.pace import Paces
from heliostat.ui.drawing import Drawer
from heliostat.ui.markup import Html, element
from heliostat.ui.rows import Listing, signature
from heliostat.ui.run_page import head_part, look

POLL_SECONDS = 1.0
READ_SECONDS = 0.2
"""How long the list may be read at a time: a page that is asked for meanwhile waits for it."""
REST = 4.0
"""How many times as long as a part took to make it is left alone."""
ALIVE_SECONDS = 15.0
"""A word is sent this often at least, so that a page that is gone is noticed."""

T = TypeVar("T")


def event(kind: str, content: object) -> str:
    """Return one event; its data are JSON, so they stay on one line."""
    return f"event: {kind}\ndata: {json.dumps(content)}\n\n"


async def list_events(listing: Listing) -> AsyncIterator[str]:
    """Yield `changed` whenever the list is another; the page asks for the part that it shows."""
    before = await to_thread.run_sync(listing.account)
    spoke = time.monotonic()
    yield event("open", "")
    while True:
        _, took = await _timed(partial(listing.rows, READ_SECONDS))
        now = listing.account()
        if now != before:
            before, spoke = now, time.monotonic()
            yield event("changed", listing.unread)
        elif time.monotonic() > spoke + ALIVE_SECONDS:
            spoke = time.monotonic()
            yield ": alive\n\n"
        if not listing.unread:
            await asyncio.sleep(max(POLL_SECONDS, REST * took))


async def run_events(folder: RunFolder, drawer: Drawer) -> AsyncIterator[str]:
    """Yield the parts `head` and `body` of a run's page, and `end` when it does not go on.

    What a drawing costs decides how often there is one; the head does not wait for it.
    """
    paces = Paces()
    seen = drawn = None
    body: asyncio.Task[tuple[Html, float]] | None = None
    sent = ""
    draw_after = spoke = 0.0
    yield event("open", "")
    try:
        while True:
            now = await to_thread.run_sync(signature, folder)
            pause = POLL_SECONDS
            if now != seen:
                seen = now
                html, took = await _timed(partial(_head, folder, paces))
                pause = max(POLL_SECONDS, REST * took)
                spoke = time.monotonic()
                yield event("part", {"id": "head", "html": html})
            if body is not None and body.done():
                html, took = body.result()
                body, draw_after = None, time.monotonic() + REST * took
                if html != sent:
                    sent, spoke = html, time.monotonic()
                    yield event("part", {"id": "body", "html": html})
            if body is None and drawn != now and time.monotonic() >= draw_after:
                drawn = now
                body = asyncio.create_task(_timed(partial(drawer.sections, folder, now)))
            if body is None and drawn == now and not now[-1]:  # nobody drives it
                yield event("end", "")
                return
            if body is not None:
                await asyncio.wait([body], timeout=pause)
            else:
                await asyncio.sleep(pause)
            if time.monotonic() > spoke + ALIVE_SECONDS:
                spoke = time.monotonic()
                yield ": alive\n\n"
    finally:
        if body is not None:
            body.cancel()


def _head(folder: RunFolder, paces: Paces) -> Html:
    try:
        return head_part(look(folder, paces))
    except Exception as error:  # a hostile folder may fail in any way
        return element("p", f"This run cannot be read: {told(error)}", class_="why")


async def _timed(make: Callable[[], T]) -> tuple[T, float]:
    """Run something in a thread and return what it gave and how long it took, in seconds."""
    began = time.monotonic()
    made = await to_thread.run_sync(make, abandon_on_cancel=True)
    return made, time.monotonic() - began
