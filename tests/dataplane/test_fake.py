"""The fake kernel keeps the promises of a driver."""

import pytest

from nsm.dataplane import plan
from nsm.dataplane.driver import NameTaken, VniTaken
from nsm.dataplane.fake import FakeKernel, failing_at, netns
from nsm.dataplane.ops import AddAddress
from nsm.errors import NotFound, NsmError

from .conftest import connection, vxlan


async def test_what_is_done_and_undone_leaves_nothing(client, endpoint) -> None:
    kernel = FakeKernel()
    ops = plan.local(connection(), client, endpoint)
    await kernel.apply(*ops)
    assert len(kernel.links_at) == 2
    await kernel.apply(*plan.undo(ops))
    assert kernel.empty


async def test_doing_it_twice_changes_nothing(client, endpoint) -> None:
    kernel = FakeKernel()
    ops = plan.local(connection(), client, endpoint)
    await kernel.apply(*ops)
    before = repr(kernel.links_at), repr(kernel.routes)
    await kernel.apply(*ops)
    assert (repr(kernel.links_at), repr(kernel.routes)) == before


async def test_a_failure_anywhere_leaves_nothing(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    for number in range(1, len(ops) + 1):
        kernel = FakeKernel(failing_at(number))
        with pytest.raises(NsmError):
            await kernel.apply(*ops)
        assert kernel.empty
        assert kernel.asked == number


async def test_a_failed_second_time_keeps_the_first(client, endpoint) -> None:
    kernel = FakeKernel()
    ops = plan.local(connection(), client, endpoint)
    await kernel.apply(*ops)
    kernel.fault = failing_at(kernel.asked + len(ops))
    with pytest.raises(NsmError):
        await kernel.apply(*ops)
    assert len(kernel.links_at) == 2


async def test_one_vni_is_for_one_device_of_a_node(client, endpoint) -> None:
    kernel, node = FakeKernel(), plan.Underlay(netns())
    conn = connection(mechanism=vxlan())
    await kernel.apply(*plan.remote(conn, plan.CLIENT, client, node))
    with pytest.raises(VniTaken):
        await kernel.apply(*plan.remote(conn, plan.CLIENT, endpoint, node))


async def test_anothers_interface_is_not_taken_over(client, endpoint) -> None:
    kernel = FakeKernel()
    await kernel.apply(*plan.local(connection(), client, endpoint))
    other = plan.End(client.netns, client.name, "nsm1 client d 0 0 p")
    with pytest.raises(NameTaken):
        await kernel.apply(*plan.local(connection(id="d"), other, endpoint))


async def test_an_address_needs_an_interface(client) -> None:
    ops = plan.remote(connection(mechanism=vxlan()), plan.CLIENT, client, plan.Underlay(netns()))
    address = next(op for op in ops if isinstance(op, AddAddress))
    with pytest.raises(NotFound):
        await FakeKernel().apply(address)
