"""Whether something answers at an address is known soon, and tried for as long as told."""

from __future__ import annotations

import pytest

from heliostat.executors.ray.reaching import why_unreachable


class Machine:
    """Refuses the first connections; its clock moves by what is waited."""

    def __init__(self, refusals: int) -> None:
        self.refusals, self.now = refusals, 0.0
        self.asked: list[tuple[str, int]] = []

    def connect(self, place: tuple[str, int], seconds: float) -> None:
        self.asked.append(place)
        if len(self.asked) <= self.refusals:
            raise ConnectionRefusedError("Connection refused")

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def why(self, address: str, wait_seconds: float) -> str | None:
        return why_unreachable(
            address,
            wait_seconds,
            connect=self.connect,
            clock=lambda: self.now,
            pause=self.pause,
        )


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.2:6379", ("10.0.0.2", 6379)),
        ("ray://head:10001", ("head", 10001)),
        ("[::1]:6379", ("::1", 6379)),
    ],
)
def test_host_and_port_are_read_from_an_address(address: str, place: tuple[str, int]) -> None:
    machine = Machine(0)
    assert machine.why(address, 0.0) is None
    assert machine.asked == [place]


@pytest.mark.parametrize("address", ["auto", "local", "anyscale://somewhere", ""])
def test_what_is_no_host_and_port_is_left_to_ray(address: str) -> None:
    machine = Machine(5)
    assert machine.why(address, 0.0) is None
    assert machine.asked == []


def test_nothing_there_is_said_at_once_without_a_wait() -> None:
    machine = Machine(99)
    assert machine.why("head:6379", 0.0) == "Connection refused"
    assert len(machine.asked) == 1


def test_a_head_that_comes_up_within_the_wait_is_found() -> None:
    assert Machine(5).why("head:6379", 10.0) is None
    assert Machine(50).why("head:6379", 10.0) == "Connection refused"


def test_a_port_that_does_not_exist_is_a_reason() -> None:
    assert why_unreachable("127.0.0.1:99999") is not None
