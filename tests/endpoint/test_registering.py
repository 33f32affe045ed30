"""How an endpoint becomes known, and how it leaves."""

from dataclasses import replace

import pytest

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, NetworkService
from nsm.config import load
from nsm.endpoint.config import Config
from nsm.endpoint.registering import register
from nsm.errors import Denied
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.sdk import Clock, Offer, Tasks
from nsm.sdk.clock import LoopClock
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import RecordingRegistry, party

pytestmark = pytest.mark.looptime

AUTHORITY = Authority("test", Clock())
ENVIRON = {
    "NSM_NAME": "nse",
    "NSM_SERVICE_NAMES": "a,b",
    "NSM_LABELS": "app:vpn",
    "NSM_PAYLOAD": "IP",
    "NSM_REGISTRY_CLIENT_POLICIES": "",  # nobody signs anything here
}


class Manager:
    """What a manager's registries hear of an endpoint."""

    def __init__(self) -> None:
        self.services = RecordingRegistry[NetworkService]()
        self.endpoints = RecordingRegistry[Endpoint]()
        clock, self.tasks = LoopClock(), Tasks()
        board = Switchboard(self.tasks, clock)
        offer = Offer(network_services=self.services, endpoints=self.endpoints)
        board.plug("test://nm", offer, party("spiffe://test/nm", clock).peer)
        source = FakeSource.of("spiffe://test/nse", AUTHORITY)
        self.program = Program(
            name="nse",
            environ={"NODE_NAME": "node-1"},
            identity=source,
            tokens=source,
            dialer=board.dialer(party("spiffe://test/nse", clock)),
            clock=clock,
        )

    async def register(self, **environ: str) -> Endpoint:
        config = replace(load(Config, {**ENVIRON, **environ}), connect_to="test://nm")
        return await register(config, self.program, "tcp://10.0.0.7:5000")

    async def end(self) -> None:
        await self.program.end()
        await self.tasks.stop()

    @property
    def registered(self) -> list[tuple[str, object]]:
        heard = [*self.services.heard, *self.endpoints.heard]
        return [one for one in heard if one[0] != "watch"]


async def test_services_are_registered_before_the_endpoint_that_serves_them() -> None:
    manager = Manager()
    await manager.register()
    await manager.end()
    labels = Labels({"app": "vpn", "nodeName": "node-1"})
    assert manager.registered == [
        ("register", NetworkService("a", "IP")),
        ("register", NetworkService("b", "IP")),
        (
            "register",
            Endpoint("nse", ("a", "b"), {"a": labels, "b": labels}, "tcp://10.0.0.7:5000"),
        ),
    ]


async def test_an_endpoint_may_leave_services_to_others() -> None:
    manager = Manager()
    await manager.register(NSM_REGISTER_SERVICE="false")
    await manager.end()
    assert [verb for verb, _ in manager.services.heard if verb == "register"] == []
    assert manager.endpoints.verbs[0] == "register nse"


@pytest.mark.parametrize("leaves", [True, False])
async def test_it_unregisters_at_the_end_if_that_is_asked_for(leaves: bool) -> None:
    manager = Manager()
    await manager.register(NSM_UNREGISTER_ITSELF=str(leaves).lower())
    await manager.end()
    assert ("unregister nse" in manager.endpoints.verbs) is leaves


async def test_a_name_that_the_registry_gave_instead_is_the_one_that_leaves() -> None:
    manager = Manager()
    manager.endpoints.change = lambda record: replace(record, name="nse-7")
    answer = await manager.register(NSM_UNREGISTER_ITSELF="true")
    await manager.end()
    assert answer.name == "nse-7"
    assert "unregister nse-7" in manager.endpoints.verbs


async def test_whom_the_registry_refuses_does_not_serve() -> None:
    manager = Manager()
    manager.endpoints.failing = [Denied("not yours")] * 100
    with pytest.raises(Denied, match="not yours"):
        await manager.register()
    await manager.end()
