"""Other trust domains' bundles, passed on to callers."""

import json
from base64 import b64encode
from contextlib import aclosing

import pytest

from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.bundle import Bundles
from nsm.identity.federation import Federation
from nsm.identity.spiffe import SpiffeId
from nsm.rpc.plain import PlainServer, plain_stream, plain_unary
from nsm.sdk import Clock, Tasks
from nsm.wire import decode, encode, methods
from nsm.wire.workload import (
    JwtBundlesResponse,
    ValidateJwtSvidRequest,
    ValidateJwtSvidResponse,
    X509BundlesResponse,
)
from nsm.workload import HEADER
from nsm.workload.client import follow
from nsm.workload.server import WorkloadApi

ASKING = [(HEADER, "true")]


@pytest.fixture
def other() -> Authority:
    return Authority("other.org", Clock())


@pytest.fixture
async def federated(agent, other: Authority):
    """The same agent, that knows of `other`."""
    x509 = {"use": "x509-svid", "x5c": [b64encode(other.roots[0].der).decode()]}
    keys = [x509, other.token_keys[0].plain()]
    file = agent.folder / "others.json"
    file.write_text(json.dumps({"trust_domains": {"other.org": {"keys": keys}}}))
    federation = Federation(str(file), "test", agent.authority.changes, Clock())
    await agent.stop()
    api = WorkloadApi(agent.authority, agent.roster, Clock(), federation)
    agent.server = PlainServer(str(agent.path), api.methods)
    await agent.server.start()
    return agent


async def first(agent, method):
    async with aclosing(plain_stream(agent.url, method.path, b"", ASKING, 5)) as answers:
        return decode(method.answer, await anext(answers))


async def test_programs_believe_members_of_domains_in_the_file(federated, other) -> None:
    tasks = Tasks()
    source = await follow(federated.url, tasks)
    anchors = {"test": (federated.authority.roots[0].der,), "other.org": (other.roots[0].der,)}
    assert source.bundles == Bundles(anchors)
    await tasks.stop()


async def test_bundles_of_both_kinds_are_passed_on(federated, other) -> None:
    sent: X509BundlesResponse = await first(federated, methods.FETCH_X509_BUNDLES)
    assert sent.bundles["spiffe://other.org"] == other.roots[0].der
    keys: JwtBundlesResponse = await first(federated, methods.FETCH_JWT_BUNDLES)
    assert other.token_keys[0].kid.encode() in keys.bundles["spiffe://other.org"]
    assert set(keys.bundles) == set(sent.bundles) == {"spiffe://test", "spiffe://other.org"}


async def test_a_federated_domains_token_is_good_and_a_strangers_is_not(federated, other) -> None:
    path = methods.VALIDATE_JWT_SVID.path
    for authority in (other, Authority("other.org", Clock())):
        token = authority.token(SpiffeId("other.org", "/x"), ["db"])
        asked = encode(ValidateJwtSvidRequest("db", token))
        if authority is other:
            answer = await plain_unary(federated.url, path, asked, ASKING, 5)
            found = decode(ValidateJwtSvidResponse, answer)
            assert found.spiffe_id == "spiffe://other.org/x"
        else:
            with pytest.raises(Invalid, match="has no key"):
                await plain_unary(federated.url, path, asked, ASKING, 5)
