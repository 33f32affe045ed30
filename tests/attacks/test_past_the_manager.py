"""Nobody goes to an endpoint past the manager, and so past all that the manager would check."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from nsm.api.mechanism import KERNEL, LOCAL, Mechanism
from nsm.api.registration import Endpoint
from nsm.chains.registry import endpoint_client
from nsm.config import load
from nsm.elements.registry import SendEndpointFile
from nsm.endpoint.config import Config
from nsm.endpoint.serving import admitting, simple
from nsm.sdk import END, Call, Offer
from nsm.wire import methods

from .raw import Answer
from .realm import FORWARDER, MANAGER, Person, Realm
from .test_admission import passed_on

pytestmark = pytest.mark.attacks

ENDPOINT = "spiffe://test/nsm/endpoint"
OFFER = Mechanism(LOCAL, KERNEL, {"name": "nsm-1", "inodeURL": "inode://4/1"})


@pytest.fixture
async def socket(realm: Realm) -> AsyncIterator[str]:
    """Where an endpoint serves that knows who the forwarders are; registered like any other."""
    program = realm.program(ENDPOINT)
    said = {"NSM_NAME": "nse", "NSM_CIDR_PREFIX": "10.1.0.0/24", "NSM_FORWARDER_IDS": FORWARDER}
    config = load(Config, said)
    needs = admitting(config, program)
    built = await simple(config, program, needs)
    served = await realm.serve(program, Offer(connections=built.bind(END), monitor=needs.events))
    registry = program.registry_needs(timedelta(seconds=5))
    client = endpoint_client(registry, realm.manager.addresses[0], SendEndpointFile())
    await client.register(Call(), Endpoint("nse", ("vpn",), url=served.addresses[0]))
    return served.addresses[0]


async def asked(url: str, who: Person, *before: str) -> Answer:
    """What comes of asking the endpoint itself, `before` being those who are said to ask."""
    wish = replace(passed_on(who, *before, to=ENDPOINT), preferences=(OFFER,))
    return await who.call(url, methods.REQUEST, wish, who.headers(ENDPOINT))


async def test_an_endpoint_is_not_asked_past_the_manager(
    realm: Realm, mallory: Person, socket: str
) -> None:
    for before in ((), (MANAGER,), ("spiffe://test/alice", MANAGER)):
        answer = await asked(socket, mallory, *before)
        assert (answer.status, "none of those who may ask here" in answer.said) == (7, True)
    forwarder = realm.person("nsm/forwarder")
    assert (await asked(socket, forwarder, "spiffe://test/alice", MANAGER)).status == 0


async def test_where_an_endpoint_listens_is_told_to_nobody_but_forwarders(
    realm: Realm, mallory: Person, socket: str
) -> None:
    manager = realm.manager.addresses[0]
    found = await mallory.find(manager, "nse", MANAGER)
    assert found
    assert found.url == realm.managing.url
    forwarder = await realm.person("nsm/forwarder").find(manager, "nse", MANAGER)
    assert forwarder
    assert forwarder.url != realm.managing.url
