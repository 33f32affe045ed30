"""The order of offers."""

from nsm.api.mechanism import KERNEL, MEMIF, VXLAN, Mechanism
from nsm.elements.mechanism.prefer_mechanisms import PreferMechanisms
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder


async def test_listed_types_come_first_and_the_rest_stay_in_order() -> None:
    end = Recorder()
    offers = tuple(
        Mechanism(type=type, parameters={"n": str(n)})
        for n, type in enumerate(("SRV6", KERNEL, "VLAN", VXLAN, KERNEL))
    )
    entry = PreferMechanisms([VXLAN, MEMIF, KERNEL]).bind(end)
    await entry.request(Call(), Request(Connection("c"), offers))
    assert [o.get("n") for o in end.requests[0].preferences] == ["3", "1", "4", "0", "2"]
