"""What one interface is costs no more to know where there are many."""

from ipaddress import ip_interface

import pytest

from nsm.dataplane import encode, link
from nsm.dataplane.netlink import Netlink
from nsm.dataplane.netns import standing_in
from nsm.dataplane.ops import AddAddress, AddVeth, LinkEnd

pytestmark = pytest.mark.linux


async def test_of_many_interfaces_the_kernel_tells_of_the_one_that_is_asked_for(
    kernel, spaces
) -> None:
    here, there = spaces(), spaces()
    for at in range(4):
        await kernel.apply(
            AddVeth(LinkEnd(here, f"a-{at}"), LinkEnd(there, f"b-{at}")),
            AddAddress(here, f"a-{at}", ip_interface(f"10.0.0.{at}/32")),
        )
    found = await kernel.look(here, "a-2")
    assert found.addresses == (ip_interface("10.0.0.2/32"),)
    with standing_in(here), Netlink() as asked:
        narrow = asked.ask_narrowly(encode.get_addresses(found.index))
        wide = asked.ask(encode.get_addresses())
    assert link.addresses(narrow, found.index) == link.addresses(wide, found.index)
    assert 1 <= len(narrow) < len(wide)
