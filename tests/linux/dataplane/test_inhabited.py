"""Which addresses a namespace has, told without and with the privilege to enter it."""

import asyncio
from ipaddress import ip_address

import pytest

from nsm.dataplane.inhabited import addresses_in
from nsm.errors import NotFound

from .conftest import tell

pytestmark = pytest.mark.linux


async def test_it_has_those_of_every_scope_that_it_was_given(spaces) -> None:
    netns = spaces()
    given = ("10.9.0.1/32", "fd09::1/128", "fe80::9/128")
    for text in given:
        await tell(netns, "ip", "address", "add", text, "dev", "lo")
    there = await asyncio.to_thread(addresses_in, f"/proc/self/fd/{netns.fd}")
    assert {ip_address(text.partition("/")[0]) for text in given} < there
    await tell(netns, "ip", "address", "delete", given[0], "dev", "lo")
    assert ip_address("10.9.0.1") not in addresses_in(f"/proc/self/fd/{netns.fd}")


def test_its_own_it_may_look_at_whoever_it_is(monkeypatch) -> None:
    monkeypatch.delattr("nsm.dataplane.inhabited.standing_in")
    assert ip_address("127.0.0.1") in addresses_in("/proc/self/ns/net")


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(NotFound):
        addresses_in("/run/netns/nobody-made-this")
