"""LimitForwarders."""

import pytest

from nsm.admission import Admission, Rules
from nsm.admission.standing import globs
from nsm.api.registration import Endpoint
from nsm.elements.policy.limit_forwarders import LimitForwarders
from nsm.errors import Denied
from nsm.identity.jwt import Claims, unsigned
from nsm.sdk import Call, Clock, Peer
from nsm.sdk.call import TokenPath
from nsm.sdk.testing import RecordingRegistry

FORWARDER, MANAGER, WEB = (f"spiffe://hello/nsm/{name}" for name in ("forwarder", "manager", "web"))


@pytest.fixture
def limit() -> LimitForwarders:
    hops = globs([FORWARDER, "spiffe://hello/nsm/manager*"])
    rules = Rules()
    here = Admission(rules=lambda: rules, clock=Clock(), name="manager", hops=hops)
    return LimitForwarders(here)


def call(*ids: str) -> Call:
    """A registration that went through these hands, and is at the next."""
    tokens = [*(unsigned(Claims(id)) for id in ids), "ours"]
    return Call(peer=Peer(ids[-1]), tokens=TokenPath(len(ids), tokens))


@pytest.mark.parametrize("hands", [[FORWARDER], [MANAGER], [FORWARDER, MANAGER]])
async def test_a_forwarder_registers_itself_and_by_its_manager(
    limit: LimitForwarders, hands: list[str]
) -> None:
    onward = RecordingRegistry()
    await limit.register(call(*hands), Endpoint("f", ("forwarder",)), onward)
    assert onward.verbs == ["register f"]


@pytest.mark.parametrize("hands", [[WEB], [WEB, MANAGER], [FORWARDER, WEB], [MANAGER, WEB]])
async def test_nobody_else_does_not_even_in_anothers_name(
    limit: LimitForwarders, hands: list[str]
) -> None:
    onward = RecordingRegistry()
    with pytest.raises(Denied, match="nsm/web may not be a forwarder"):
        await limit.register(call(*hands), Endpoint("f", ("other", "forwarder")), onward)
    assert onward.heard == []


async def test_other_services_are_not_its_concern(limit: LimitForwarders) -> None:
    onward = RecordingRegistry()
    await limit.register(call(WEB), Endpoint("w", ("web",)), onward)
    await limit.register(Call(), Endpoint("f", ("forwarder",)), onward)
    assert onward.verbs == ["register w", "register f"]
