"""AuthorizeRegistrationClient."""

import pytest

from nsm.api.registration import Endpoint, NetworkService
from nsm.elements.policy.authorize_registration_client import AuthorizeRegistrationClient
from nsm.errors import Denied, Unreachable
from nsm.identity import policies
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock
from nsm.sdk.call import TokenPath
from nsm.sdk.registry import NowhereElse

ENDPOINT = Endpoint("gateway")


class Manager(NowhereElse):
    """Answers with the tokens of a path, as rpc would bring them back."""

    def __init__(self, mesh, registrant=None) -> None:
        self.mesh = mesh
        self.registrant = registrant or mesh.web
        self.heard = []
        self.failing = None

    async def register(self, call, record):
        self.heard.append("register")
        mesh = self.mesh
        call.tokens.tokens[:] = [
            mesh.token(self.registrant, mesh.manager),
            mesh.token(mesh.manager, self.registrant),
        ]
        return record

    async def unregister(self, call, record):
        self.heard.append("unregister")
        if self.failing:
            raise self.failing


@pytest.fixture
def authorize() -> AuthorizeRegistrationClient:
    return AuthorizeRegistrationClient(Policies.select(policies.REGISTRY_CLIENT), Clock())


def call(mesh, to, life=None, tokens=None) -> Call:
    return Call(channel=mesh.channel(to), tokens=tokens).within(life or mesh.life())


@pytest.mark.parametrize("tokens", [None, TokenPath()])
async def test_a_registry_that_signs_for_itself_is_relied_on(mesh, authorize, tokens) -> None:
    registry = Manager(mesh)
    ours = call(mesh, mesh.manager, tokens=tokens)
    assert await authorize.register(ours, ENDPOINT, registry) == ENDPOINT
    await authorize.unregister(ours, ENDPOINT, registry)
    assert registry.heard == ["register", "unregister"]


async def test_a_first_registration_with_another_is_refused_and_undone(mesh, authorize) -> None:
    registry = Manager(mesh)
    with pytest.raises(Denied, match="next_token_signed"):
        await authorize.register(call(mesh, mesh.other), ENDPOINT, registry)
    assert registry.heard == ["register", "unregister"]


async def test_that_it_cannot_be_undone_does_not_hide_why(mesh, authorize) -> None:
    registry = Manager(mesh)
    registry.failing = Unreachable("gone")
    with pytest.raises(Denied):
        await authorize.register(call(mesh, mesh.other), ENDPOINT, registry)


async def test_a_refused_renewal_keeps_what_stands(mesh, authorize) -> None:
    registry, life = Manager(mesh), mesh.life()
    await authorize.register(call(mesh, mesh.manager, life), ENDPOINT, registry)
    with pytest.raises(Denied):
        await authorize.register(call(mesh, mesh.other, life), ENDPOINT, registry)
    assert registry.heard == ["register", "register"]


async def test_a_name_cannot_change_hands_between_two_registrations(mesh, authorize) -> None:
    registry, life = Manager(mesh), mesh.life()
    await authorize.register(call(mesh, mesh.manager, life), ENDPOINT, registry)
    registry.registrant = mesh.other
    with pytest.raises(Denied, match="client_allowed"):
        await authorize.register(call(mesh, mesh.manager, life), ENDPOINT, registry)


async def test_replicas_may_say_the_same_service_but_not_the_same_endpoint(mesh, authorize) -> None:
    for record, refused in ((NetworkService("svc"), False), (ENDPOINT, True)):
        life = mesh.life()
        one, two = Manager(mesh, mesh.web), Manager(mesh, mesh.other)
        await authorize.register(call(mesh, mesh.manager, life), record, one)
        again = authorize.register(call(mesh, mesh.manager, life), record, two)
        if refused:
            with pytest.raises(Denied, match="client_allowed"):
                await again
        else:
            assert await again == record
