"""The pages by address, as a Starlette application; all of them only read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from heliostat.errors import StoreError, told
from heliostat.report.html import STYLE
from heliostat.store.entries import read_regular
from heliostat.store.folder import RunFolder
from heliostat.store.pace import Paces
from heliostat.store.view import RunView
from heliostat.ui.access import STRANGERS
from heliostat.ui.compare_page import MOST, compare_page, side
from heliostat.ui.drawing import Drawer
from heliostat.ui.frame import apology
from heliostat.ui.list_page import list_page, list_part
from heliostat.ui.live import list_events, run_events
from heliostat.ui.markup import element, link
from heliostat.ui.rows import Listing, read
from heliostat.ui.run_page import damaged_page, look, run_page
from heliostat.ui.wanted import wanted_in

FIRST_SECONDS = 0.3
"""How long the list may read runs before it is shown; the rest follows."""
MOST_REPORT_BYTES = 200_000_000
_KINDS = {"css": "text/css", "js": "text/javascript"}


class Pages:
    """What the addresses answer. `nodes` makes what is shown of a cluster, if there is one."""

    def __init__(
        self, listing: Listing, drawer: Drawer, nodes: Callable[[], object] | None = None
    ) -> None:
        self._listing, self._drawer, self._nodes = listing, drawer, nodes

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/", self.runs),
            Route("/events", self.list_events),
            Route("/compare", self.compare),
            Route("/cluster", self.cluster),
            Route("/run/{key}", self.run),
            Route("/run/{key}/events", self.run_events),
            Route("/run/{key}/report", self.report),
            Route("/run/{key}/product", self.product),
            Route("/static/{name}", self.static),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _refused, 500: _broken})

    def runs(self, request: Request) -> Response:
        """Answer the list, or with `part` what of it changes."""
        wanted = wanted_in(request.query_params)
        part = "part" in request.query_params  # whoever tells of changes reads on meanwhile
        rows = self._listing.rows(0.0 if part else FIRST_SECONDS)
        unread = self._listing.unread
        if part:
            return HTMLResponse(list_part(rows, wanted, unread))
        more = self._nodes_line()
        return HTMLResponse(list_page(self._listing.root, rows, wanted, unread, more))

    async def list_events(self, request: Request) -> Response:
        """Tell of changes of the list."""
        return _events(list_events(self._listing))

    def run(self, request: Request) -> Response:
        """Answer a run's page."""
        folder = self._folder(request)
        try:
            return HTMLResponse(run_page(look(folder, Paces())))
        except Exception:  # a hostile folder may fail in any way
            return HTMLResponse(damaged_page(read(folder)))

    async def run_events(self, request: Request) -> Response:
        """Tell of what a run does."""
        folder = await to_thread.run_sync(self._folder, request)
        return _events(run_events(folder, self._drawer))

    def compare(self, request: Request) -> Response:
        """Answer runs side by side."""
        sides, lost = [], []
        for key in list(dict.fromkeys(request.query_params.getlist("run")))[:MOST]:
            folder = self._listing.folder(key)
            if folder is None:
                lost.append(f"There is no run {key[:100]} here.")
                continue
            try:
                sides.append(side(folder, key))
            except Exception as error:  # a hostile folder may fail in any way
                lost.append(f"{folder.id} cannot be read: {told(error)}")
        return HTMLResponse(compare_page(sides, lost))

    def cluster(self, request: Request) -> Response:
        """Answer Ray's nodes."""
        if self._nodes is None:
            raise HTTPException(404, "Start it as heliostat ui --cluster to see Ray's nodes.")
        return HTMLResponse(str(self._nodes()))

    def report(self, request: Request) -> Response:
        """Answer the report that lies in the folder; whatever it holds, no script of it runs."""
        folder = self._folder(request)
        try:
            if folder.report.stat().st_size > MOST_REPORT_BYTES:
                raise HTTPException(404, "The report is too large to be shown here.")
            content = read_regular(folder.report)
        except (OSError, StoreError) as error:
            raise HTTPException(404, f"There is no report: {told(error)}") from error
        headers = {"content-security-policy": STRANGERS}
        return Response(content, media_type="text/html", headers=headers)

    def product(self, request: Request) -> Response:
        """Answer a product's bytes, to be kept as a file and never shown."""
        folder, name = self._folder(request), request.query_params.get("name", "")
        try:
            view = RunView(folder, whole=False, alone=True)
            try:
                found = [one for one in view.products() if one["unique_name"] == name]
            finally:
                view.close()
            if not found:
                raise HTTPException(404, "The run has no product of that name.")
            content = folder.artifacts.get(found[0]["sha256"])
        except StoreError as error:
            raise HTTPException(404, f"The product cannot be read: {error}") from error
        raw = found[0]["media"] == "application/octet-stream"
        file = f"{name}{'' if raw or '.' in name else '.json'}"
        headers = {
            "content-disposition": _attachment(file),
            "content-security-policy": STRANGERS,
        }
        return Response(content, media_type="application/octet-stream", headers=headers)

    def static(self, request: Request) -> Response:
        """Answer one of the pages' own files."""
        name = request.path_params["name"]
        if name == "report.css":
            return Response(STYLE, media_type="text/css")
        if name not in ("ui.css", "ui.js"):
            raise HTTPException(404, "There is no such file.")
        text = (resources.files("heliostat.ui") / "static" / name).read_text("utf-8")
        return Response(text, media_type=_KINDS[Path(name).suffix[1:]])

    def _folder(self, request: Request) -> RunFolder:
        found = self._listing.folder(request.path_params["key"])
        if found is None:
            raise HTTPException(404, "There is no such run here; it may have been removed.")
        return found

    def _nodes_line(self) -> object:
        return None if self._nodes is None else element("p", link("/cluster", "Nodes of Ray"))


def _events(source: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(source, media_type="text/event-stream")


def _attachment(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._@-]", "_", name).lstrip(".")[:150] or "product"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    why = error.detail if isinstance(error, HTTPException) else told(error)
    return HTMLResponse(apology("Nothing here" if status == 404 else "Refused", why), status)


async def _broken(request: Request, error: Exception) -> Response:
    return HTMLResponse(apology("This went wrong", told(error)), 500)
