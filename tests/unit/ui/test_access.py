"""Who may see the pages: names of this machine alone, a token where one is needed."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra `ui` is not installed")
pytest.importorskip("httpx2", reason="Starlette's test client needs it")
from starlette.testclient import TestClient

from heliostat.errors import ConfigError
from heliostat.ui.access import Access, Receive, Scope, Send, check_token, is_loopback

TOKEN = "correct-horse-battery"


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    start: MutableMapping[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
    await send(start)
    await send({"type": "http.response.body", "body": b"inside"})


def client(host: str = "127.0.0.1", token: str | None = None) -> TestClient:
    app: Any = Access(inner, host, 8765, token)
    return TestClient(app, base_url="http://localhost:8765", follow_redirects=False)


@pytest.mark.parametrize(
    "name",
    ["localhost", "localhost:8765", "localhost:9000", "127.0.0.1", "127.0.0.5:80", "[::1]:1"],
)
def test_a_name_of_this_machine_is_let_in(name: str) -> None:
    answer = client().get("/", headers={"host": name})
    assert (answer.status_code, answer.text) == (200, "inside")


@pytest.mark.parametrize(
    "name",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7", "", "a b",
     "localhost:80:80", "[::1", "evil.example:8765", "user@localhost"],
)  # fmt: skip
def test_another_name_is_refused_so_that_no_site_can_take_ours(name: str) -> None:
    answer = client().get("/", headers={"host": name})
    assert answer.status_code == 421
    assert "inside" not in answer.text


def test_a_server_for_others_goes_by_its_own_name_and_by_numbers() -> None:
    app = client("box.example", TOKEN)
    known = {"authorization": f"Bearer {TOKEN}"}
    for name, status in {"box.example:8765": 200, "10.0.0.8": 200, "evil.example": 421}.items():
        assert app.get("/", headers={"host": name, **known}).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    assert client().request(method, "/").status_code == 405


def test_every_answer_says_that_no_foreign_script_runs_and_nobody_frames_it() -> None:
    for app, path in ((client(), "/"), (client(token=TOKEN), "/")):
        headers = app.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", f"?token={TOKEN}x", "?token=é"])
def test_without_the_token_nobody_is_let_in(query: str) -> None:
    answer = client(token=TOKEN).get(f"/{query}")
    assert answer.status_code == 401
    assert "inside" not in answer.text
    assert "set-cookie" not in answer.headers


def test_the_token_goes_from_the_address_into_a_cookie() -> None:
    app = client(token=TOKEN)
    answer = app.get(f"/run/x?a=1&token={TOKEN}&b=2")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/run/x?a=1&b=2"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite" in cookie
    assert TOKEN not in cookie
    assert app.get("/").text == "inside"  # by the cookie
    assert (
        client(token=TOKEN).get("/", headers={"cookie": "heliostat-ui-8765=x"}).status_code == 401
    )


def test_the_way_in_leads_to_no_other_site() -> None:
    answer = client(token=TOKEN).get(f"http://localhost:8765//evil.example/?token={TOKEN}")
    assert answer.headers["location"] == "/evil.example/"


def test_a_token_is_checked_here_as_well_when_it_is_given() -> None:
    assert client("127.0.0.1", TOKEN).get("/").status_code == 401
    assert client("127.0.0.1", None).get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "short", "with blanks in it", "ümlaut-in-a-token"])
def test_a_token_that_is_easily_guessed_or_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_token(token)
    assert not token or token not in str(refused.value)


def test_what_only_this_machine_reaches() -> None:
    assert [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [True] * 4
    assert [is_loopback(h) for h in ("0.0.0.0", "::", "10.0.0.1", "box.example")] == [False] * 4
