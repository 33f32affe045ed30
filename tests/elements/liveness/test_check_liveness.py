"""What is asked whether it carries."""

import errno
import socket

import pytest

from nsm.api.connection import Connection
from nsm.api.context import IpContext
from nsm.api.mechanism import KERNEL, NAME, VXLAN, Mechanism
from nsm.elements.liveness.check_liveness import MOST_PAIRS, CheckLiveness, pairs


def vwire(src: tuple[str, ...], dst: tuple[str, ...], type: str = KERNEL) -> Connection:
    conn = Connection("c", mechanism=Mechanism(type=type, parameters={NAME: "nsm-1"}))
    return conn.with_ip(IpContext(src, dst))


def raising(error: OSError) -> CheckLiveness:
    async def sockets(make):
        raise error

    return CheckLiveness(sockets)


BOTH = vwire(("10.0.0.1/32", "fd00::1/128"), ("10.0.0.0/32", "fd00::/128", "10.0.0.2/32"))


def test_every_source_asks_every_target_of_its_family() -> None:
    assert pairs(BOTH) == (
        ("10.0.0.1", "10.0.0.0"),
        ("10.0.0.1", "10.0.0.2"),
        ("fd00::1", "fd00::"),
    )


def test_a_peer_with_thousands_of_addresses_is_asked_for_a_few() -> None:
    many = tuple(f"10.0.{n // 256}.{n % 256}/32" for n in range(1000))
    assert len(pairs(vwire(many, many))) == MOST_PAIRS


@pytest.mark.parametrize(
    "conn", [Connection("c"), vwire((), ()), vwire(("10.0.0.1/32",), ("10.0.0.0/32",), VXLAN)]
)
async def test_what_has_nobody_to_ask_is_alive(conn: Connection) -> None:
    assert await raising(OSError(errno.ENODEV, "unused"))(conn)


async def test_an_interface_that_is_gone_is_not(caplog) -> None:
    assert not await raising(OSError(errno.ENODEV, "no such device"))(BOTH)


async def test_who_may_not_ask_does_not_know_and_says_so(caplog) -> None:
    assert await raising(PermissionError(errno.EPERM, "no"))(BOTH)
    assert "CAP_NET_RAW" in caplog.text


@pytest.mark.parametrize(
    ("number", "moved"), [(errno.EADDRNOTAVAIL, True), (errno.ENODEV, False), (errno.EPERM, False)]
)
async def test_an_interface_without_its_addresses_was_moved(number: int, moved: bool) -> None:
    assert await raising(OSError(number, "no"))(BOTH) == (number == errno.EPERM)
    assert await raising(OSError(number, "no")).was_moved(BOTH) == moved
    assert not await raising(OSError(number, "no")).was_moved(vwire((), ()))


@pytest.mark.looptime
async def test_silence_is_death_within_the_time_given() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)

    async def sockets(make):
        return ours

    with theirs:
        assert not await CheckLiveness(sockets, 1.0)(vwire(("10.0.0.1/32",), ("10.0.0.0/32",)))
        theirs.setblocking(False)
        assert len([theirs.recv(100) for _ in range(4)]) == 4
