"""Whether Ray answers at a cluster's address: Ray itself tries for long, and in raw lines.

A cluster's head speaks gRPC, which is HTTP/2. So one call is made by hand, of any name: a gRPC
server answers it with status 200 whatever it thinks of the call, and nothing else does.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator

TRY_SECONDS = 5.0
PAUSE_SECONDS = 1.0
_HOST_AND_PORT = re.compile(r"(?:ray://)?\[?([^\[\]/]+)\]?:(\d+)")

# RFC 9113, sections 3.4 and 6; RFC 7541, section 6 and appendix A
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4
_PADDED, _PRIORITY = 8, 32
_POST, _HTTP = b"\x83", b"\x86"
_STATUS_200 = 0x88
_CALL = "/ray.rpc.NodeInfoGcsService/GetClusterId"


def why_unreachable(
    address: str,
    wait_seconds: float = 0.0,
    *,
    connect: Callable[[tuple[str, int], float], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> str | None:
    """Return why no Ray answers at `host:port`, or None when it does.

    Tries again for `wait_seconds`. What is no host and port is left for Ray to judge.
    """
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None:
        return None
    place = (found[1], int(found[2]))
    until = clock() + wait_seconds
    while True:
        try:
            (connect or _connect)(place, TRY_SECONDS)
        except (OSError, OverflowError) as error:
            if clock() >= until:
                return str(error)
            pause(PAUSE_SECONDS)
        else:
            return None


def _connect(place: tuple[str, int], seconds: float) -> None:
    with socket.create_connection(place, timeout=seconds) as connection:
        if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
            return  # Ray holds the certificates
        try:
            connection.sendall(_call(f"{place[0]}:{place[1]}"))
            answers = _answers(connection, time.monotonic() + seconds)
        except OSError:
            answers = False
    if not answers:
        raise ConnectionError("something takes connections there, but it is no Ray")


def _call(authority: str) -> bytes:
    """Return the bytes of an empty call, with headers that no table has to be kept for."""
    fields = {
        ":path": _CALL,
        ":authority": authority,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    block = _POST + _HTTP
    for name, value in fields.items():
        block += b"\x00" + b"".join(bytes([len(t)]) + t.encode() for t in (name, value[:126]))
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, 1, block)
        + _frame(_DATA, _END_STREAM, 1, bytes(5))
    )


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _answers(connection: socket.socket, until: float) -> bool:
    """Return whether the first headers that come back have status 200."""
    for kind, flags, payload in _frames(connection, until):
        if kind == _HEADERS:
            if flags & _PADDED:
                payload = payload[1:]
            if flags & _PRIORITY:
                payload = payload[5:]
            return _fields(payload)[:1] == bytes([_STATUS_200])
    return False


def _fields(block: bytes) -> bytes:
    """Return a block of headers without the sizes of the table that it may begin with."""
    while block and block[0] >> 5 == 1:
        more = block[0] & 31 == 31
        block = block[1:]
        while more and block:
            more = block[0] >> 7 == 1
            block = block[1:]
    return block


def _frames(connection: socket.socket, until: float) -> Iterator[tuple[int, int, bytes]]:
    held = b""
    while True:
        while len(held) >= 9 and len(held) >= (whole := 9 + int.from_bytes(held[:3], "big")):
            yield held[3], held[4], held[9:whole]
            held = held[whole:]
        connection.settimeout(max(0.01, until - time.monotonic()))
        read = connection.recv(1 << 14)
        if not read or time.monotonic() > until:
            return
        held += read
