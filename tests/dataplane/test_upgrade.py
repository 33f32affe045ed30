"""What earlier versions wrote into the kernel is read by this one, and taken over as it stands."""

from ipaddress import ip_interface

import pytest

from nsm.api.connection import IP, Connection
from nsm.api.context import IpContext
from nsm.dataplane import ledger, plan
from nsm.dataplane.driver import NameTaken
from nsm.dataplane.fake import FakeKernel, netns
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.ops import Op
from nsm.dataplane.sweep import survey, sweep
from nsm.dataplane.wires import Wires

KEY = NodeKey(bytes(range(32)))
WRITTEN = {
    "nsm1": (
        "nsm1 client a6f7ef47ee8dc84af9056a3051ddc302 7 4000000000 "
        "30f9bcbb5aec9d865aeb726a8822ccdd",
        Tag.of("c-1", "client", 7, 4_000_000_000),
    ),
}
"""An alias of each version there has been, as it stands in kernels, and what it says."""
CLIENT, ENDPOINT = netns(), netns()
CONN = Connection("c-1", payload=IP).with_ip(IpContext(("10.1.0.1/32",), ("10.1.0.0/32",)))


@pytest.mark.parametrize("version", WRITTEN)
def test_what_each_version_wrote_is_read(version: str) -> None:
    alias, tag = WRITTEN[version]
    assert KEY.read(alias) == tag


def test_every_version_that_is_read_is_held_to_what_it_wrote() -> None:
    assert set(ledger.READ) == set(WRITTEN)


def wanted() -> tuple[Op, ...]:
    """A pair as the version that runs now would have it."""
    ends = (
        plan.End(where, name, KEY.alias(Tag.of("c-1", role, 0, 99)))
        for where, name, role in (
            (CLIENT, "nsm-1", plan.CLIENT),
            (ENDPOINT, "vpn-1", plan.ENDPOINT),
        )
    )
    return plan.local(CONN, *ends)


def next_version(monkeypatch: pytest.MonkeyPatch, *read: str) -> None:
    """Another version, which writes more, and reads these as well."""
    monkeypatch.setattr(ledger, "VERSION", "nsm2")
    monkeypatch.setattr(ledger, "READ", ("nsm2", *read))


async def test_an_upgraded_forwarder_takes_over_what_it_finds_and_writes_its_own_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel = FakeKernel()
    await Wires(kernel).build("c-1", wanted())
    stood = kernel.links_at[CLIENT, "nsm-1"]
    assert stood.alias.startswith("nsm1 ")
    next_version(monkeypatch, "nsm1")
    upgraded = Wires(kernel)
    upgraded.found.add(await survey(kernel, (CLIENT, ENDPOINT), KEY))
    assert "c-1" in upgraded.found
    await upgraded.build("c-1", wanted())
    assert kernel.links_at[CLIENT, "nsm-1"] is stood
    assert stood.alias.startswith("nsm2 ")
    assert list(stood.addresses) == [ip_interface("10.1.0.1/32")]
    await upgraded.remove("c-1")
    assert kernel.empty


async def test_what_a_newer_version_wrote_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeKernel()
    with monkeypatch.context() as later:
        next_version(later)
        later.setattr(Tag, "__str__", lambda tag: f"nsm2 {tag.role} {tag.connection} 0 1 and more")
        await Wires(kernel).build("c-1", wanted())
    assert await sweep(kernel, (CLIENT, ENDPOINT), KEY, lambda _: False) == ()
    assert (CLIENT, "nsm-1") in kernel.links_at
    with pytest.raises(NameTaken):
        await Wires(kernel).build("c-1", wanted())
