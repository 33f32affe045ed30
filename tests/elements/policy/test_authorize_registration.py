"""AuthorizeRegistration."""

import asyncio

import pytest

from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.elements.policy.authorize_registration import AuthorizeRegistration
from nsm.errors import Denied, Unreachable
from nsm.identity import policies
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock
from nsm.sdk.call import TokenPath
from nsm.sdk.registry import NowhereElse
from nsm.store import Kept

ENDPOINT = Endpoint("gateway")


def by(mesh, source) -> Call:
    """A registration of `source` as the manager sees it."""
    tokens = [mesh.token(source, mesh.manager), mesh.token(mesh.manager, source)]
    return Call(peer=source.peer(), tokens=TokenPath(1, tokens))


@pytest.fixture
def authorize() -> AuthorizeRegistration:
    return AuthorizeRegistration(Policies.select(policies.REGISTRY_SERVER), Clock())


async def test_a_name_stays_with_its_first_registrant_until_unregistered(mesh, authorize) -> None:
    end = NowhereElse()
    assert await authorize.register(by(mesh, mesh.web), ENDPOINT, end) == ENDPOINT
    assert await authorize.register(by(mesh, mesh.web), ENDPOINT, end) == ENDPOINT
    with pytest.raises(Denied, match="client_allowed: 'gateway' belongs to"):
        await authorize.register(by(mesh, mesh.other), ENDPOINT, end)
    with pytest.raises(Denied, match="client_allowed"):
        await authorize.unregister(by(mesh, mesh.other), ENDPOINT, end)
    await authorize.unregister(by(mesh, mesh.web), ENDPOINT, end)
    assert await authorize.register(by(mesh, mesh.other), ENDPOINT, end) == ENDPOINT


def by_way_of(mesh, source, through) -> Call:
    """A registration that `through` says is for `source`; only its own word is proven."""
    tokens = [
        mesh.token(source, through),
        mesh.token(through, mesh.manager),
        mesh.token(mesh.manager, through),
    ]
    return Call(peer=through.peer(), tokens=TokenPath(2, tokens))


async def test_who_came_itself_is_not_spoken_for(mesh, authorize) -> None:
    end, vouched = NowhereElse(), by_way_of(mesh, mesh.web, mesh.other)
    await authorize.register(vouched, ENDPOINT, end)  # nobody has come itself yet
    await authorize.register(by(mesh, mesh.web), ENDPOINT, end)
    with pytest.raises(Denied, match="web by way of spiffe://test/ns/x/other"):
        await authorize.register(vouched, ENDPOINT, end)
    with pytest.raises(Denied, match="client_allowed"):
        await authorize.unregister(vouched, ENDPOINT, end)
    await authorize.unregister(by(mesh, mesh.web), ENDPOINT, end)


async def test_who_is_not_believed_about_others_registers_for_itself(mesh) -> None:
    end, ids = NowhereElse(), policies.REGISTRY_SERVER
    authorize = AuthorizeRegistration(
        Policies.select(ids), Clock(), believes=lambda id: id == mesh.forwarder.id
    )
    await authorize.register(by_way_of(mesh, mesh.web, mesh.forwarder), ENDPOINT, end)
    with pytest.raises(Denied, match=r"belongs to .*/web', not to .*/other'"):
        await authorize.register(by_way_of(mesh, mesh.web, mesh.other), ENDPOINT, end)
    with pytest.raises(Denied, match="client_allowed"):
        await authorize.unregister(by_way_of(mesh, mesh.web, mesh.other), ENDPOINT, end)
    await authorize.register(by_way_of(mesh, mesh.web, mesh.other), Endpoint("own"), end)
    assert authorize.owners.owner("own") == mesh.other.id
    await authorize.unregister(by_way_of(mesh, mesh.web, mesh.forwarder), ENDPOINT, end)


async def test_no_claim_outlives_its_registration(mesh, authorize) -> None:
    for source in (mesh.web, mesh.other):
        await authorize.register(by(mesh, source), ENDPOINT, NowhereElse())
        await authorize.unregister(by(mesh, source), ENDPOINT, NowhereElse())
    assert len(authorize.owners) == 0


async def test_a_stolen_path_registers_nothing(mesh, authorize) -> None:
    call = Call(peer=mesh.other.peer(), tokens=by(mesh, mesh.web).tokens)
    with pytest.raises(Denied, match="prev_token_signed"):
        await authorize.register(call, ENDPOINT, NowhereElse())
    assert len(authorize.owners) == 0


@pytest.mark.parametrize("tokens", [None, TokenPath()])
async def test_without_a_token_path_nothing_is_registered(mesh, authorize, tokens) -> None:
    with pytest.raises(Denied, match="prev_token_signed"):
        await authorize.register(Call(peer=mesh.web.peer(), tokens=tokens), ENDPOINT, NowhereElse())


async def test_a_registration_that_fails_onward_claims_nothing(mesh, authorize) -> None:
    class Down(NowhereElse):
        async def register(self, call, record):
            raise Unreachable("down")

    with pytest.raises(Unreachable):
        await authorize.register(by(mesh, mesh.web), ENDPOINT, Down())
    assert await authorize.register(by(mesh, mesh.other), ENDPOINT, NowhereElse())


async def test_of_two_at_once_one_gets_the_name(mesh, authorize) -> None:
    class Slow(NowhereElse):
        async def register(self, call, record):
            await asyncio.sleep(0)
            return record

    answers = await asyncio.gather(
        *(authorize.register(by(mesh, s), ENDPOINT, Slow()) for s in (mesh.web, mesh.other)),
        return_exceptions=True,
    )
    assert answers[0] == ENDPOINT
    assert isinstance(answers[1], Denied)


async def test_replicas_may_say_again_what_a_service_is_but_not_change_or_remove_it(
    mesh, authorize
) -> None:
    service, end = NetworkService("vpn", "IP"), NowhereElse()
    await authorize.register(by(mesh, mesh.web), service, end)
    assert await authorize.register(by(mesh, mesh.other), service, end) == service
    for change in (
        authorize.register(by(mesh, mesh.other), NetworkService("vpn", "ETHERNET"), end),
        authorize.unregister(by(mesh, mesh.other), service, end),
    ):
        with pytest.raises(Denied, match="client_allowed"):
            await change
    assert await authorize.register(by(mesh, mesh.web), NetworkService("vpn", "ETHERNET"), end)


async def test_whoever_registers_from_within_is_not_judged_and_claims_nothing(authorize) -> None:
    assert await authorize.register(Call(), ENDPOINT, NowhereElse()) == ENDPOINT
    await authorize.unregister(Call(), ENDPOINT, NowhereElse())
    assert len(authorize.owners) == 0


async def test_finding_is_open_to_all(mesh, authorize) -> None:
    found = authorize.find(Call(peer=mesh.web.peer()), Query(ENDPOINT), NowhereElse())
    assert [answer async for answer in found] == []


async def test_where_owners_are_known_elsewhere_they_are_judged_there_alone(mesh) -> None:
    chosen, service = Policies.select(policies.REGISTRY_SERVER), NetworkService("vpn", "IP")
    manager = AuthorizeRegistration(chosen, Clock(), elsewhere=True)
    await manager.register(by(mesh, mesh.other), service, NowhereElse())  # not the owner's word
    changed = NetworkService("vpn", "ETHERNET")
    assert await manager.register(by(mesh, mesh.web), changed, NowhereElse()) == changed
    await manager.unregister(by(mesh, mesh.web), changed, NowhereElse())
    with pytest.raises(Denied, match="prev_token_signed"):
        await manager.register(Call(peer=mesh.web.peer()), service, NowhereElse())


async def test_names_stay_whose_they_were_before_this_program_started(mesh) -> None:
    chosen = Policies.select(policies.REGISTRY_SERVER)
    before = (Kept(ENDPOINT, mesh.web.id),)
    again = AuthorizeRegistration(chosen, Clock(), before)
    with pytest.raises(Denied, match="client_allowed"):
        await again.register(by(mesh, mesh.other), ENDPOINT, NowhereElse())
    assert await again.register(by(mesh, mesh.web), ENDPOINT, NowhereElse())
