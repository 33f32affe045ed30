"""Upstream's policies on every program of ours: who asks, who answers, who registers, who keeps."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsm.chains.registry import endpoint_client, service_client
from nsm.components.endpoint.config import FirewallConfig, PassthroughConfig
from nsm.components.endpoint.passing import firewall, passthrough
from nsm.components.forwarder.config import Config as ForwarderConfig
from nsm.components.forwarder.ground import ground
from nsm.components.forwarder.program import forward
from nsm.components.manager.config import Config as ManagerConfig
from nsm.components.manager.program import manage, own_address
from nsm.components.registry import program as registry
from nsm.components.registry.config import Config as RegistryConfig
from nsm.config import load
from nsm.elements.policy import (
    Authorize,
    AuthorizeClient,
    AuthorizeRegistration,
    AuthorizeRegistrationClient,
)
from nsm.endpoint.config import Config as EndpointConfig
from nsm.endpoint.serving import simple
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.identity.policies import CLIENT, REGISTRY_CLIENT, REGISTRY_SERVER, SERVER, Policies
from nsm.program import Program
from nsm.rpc import Pool
from nsm.sdk import END, Clock, Offer

SOURCE = Path(__file__).parents[2] / "src/nsm"
BEFORE = {"RefuseNonsense", "UpdatePath", "Begin", "UpdateToken"}
"""What may see a request, or a close, that nobody has judged yet."""
CHOSEN = {
    Authorize: SERVER,
    AuthorizeClient: CLIENT,
    AuthorizeRegistration: REGISTRY_SERVER,
    AuthorizeRegistrationClient: REGISTRY_CLIENT,
}
Kinds = dict[type, int]


@pytest.fixture
async def program(tmp_path: Path):
    source = FakeSource.of("spiffe://test/ns/nsm-system/us", Authority("test", Clock()))
    pool = Pool(source, source)
    program = Program(name="us", environ={}, identity=source, tokens=source, dialer=pool)
    program.at_last(pool.close)
    yield program
    await program.tasks.stop()  # a collector at work would open what is closed
    await program.end()


def parts(thing: object, seen: set[int]) -> Iterator[object]:
    """Everything of ours that is reachable from `thing`, outermost first."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, tuple | list):
        inner = list(thing)
    elif isinstance(thing, dict):
        inner = list(thing.values())
    elif type(thing).__module__.startswith("nsm.") and not isinstance(thing, type):
        yield thing
        slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        names = [*getattr(thing, "__dict__", {}), *slots]
        inner = [getattr(thing, name, None) for name in names]
    else:
        return
    for each in inner:
        yield from parts(each, seen)


def judges(offered: object) -> Kinds:
    """How many of each kind of policy element there are; each with its whole set."""
    found: Kinds = {}
    for part in parts(offered, set()):
        if (kind := type(part)) in CHOSEN:
            assert part.policies == Policies.select(CHOSEN[kind]), kind.__name__
            found[kind] = found.get(kind, 0) + 1
    return found


def unjudged(bound: object) -> list[str]:
    """The elements that a request meets before it is judged."""
    names: list[str] = []
    while not isinstance(element := getattr(bound, "element", None), Authorize):
        names += [type(element).__name__] if element else []
        bound = getattr(bound, "inner", None) or bound.next
    return names


async def test_a_registry_judges_who_registers(program: Program) -> None:
    offer = await registry.offer(load(RegistryConfig, {}), program)
    assert judges(offer) == {AuthorizeRegistration: 2}
    far = load(RegistryConfig, {"NSM_PROXY_REGISTRY_URL": "tcp://proxy:1"})
    assert judges(await registry.offer(far, program)) == {
        AuthorizeRegistration: 2,
        AuthorizeRegistrationClient: 2,
    }


async def test_a_manager_judges_who_asks_who_answers_who_registers_and_the_registry(
    program: Program,
) -> None:
    offer = manage(load(ManagerConfig, {"NSM_LISTEN_ON": "tcp://10.0.0.1:1"}), program).offer
    assert set(judges(offer)) == set(CHOSEN)
    assert judges(offer)[AuthorizeRegistration] == 2
    assert judges(offer)[AuthorizeRegistrationClient] >= 2
    assert set(unjudged(offer.connections)) <= BEFORE


async def test_an_endpoint_judges_who_asks_and_the_registry(program: Program) -> None:
    config = load(EndpointConfig, {})
    bound = (await simple(config, program, program.needs(config.dial_timeout))).bind(END)
    assert judges(bound) == {Authorize: 1}
    assert set(unjudged(bound)) <= BEFORE
    needs = program.registry_needs(config.dial_timeout, client=config.registry_client_policies)
    for client in (endpoint_client(needs, "tcp://m:1"), service_client(needs, "tcp://m:1")):
        assert judges(client) == {AuthorizeRegistrationClient: 1}


@pytest.mark.linux
@pytest.mark.parametrize(
    ("build", "kind"), [(passthrough, PassthroughConfig), (firewall, FirewallConfig)]
)
async def test_an_endpoint_that_passes_on_judges_both_sides(program, build, kind) -> None:
    config = load(kind, {})
    bound = (await build(config, program, program.needs(config.dial_timeout))).bind(END)
    assert judges(bound) == {Authorize: 1, AuthorizeClient: 1}
    assert set(unjudged(bound)) <= BEFORE


@pytest.mark.linux
async def test_a_forwarder_judges_both_sides_and_the_registry(program, tmp_path: Path) -> None:
    settings = {"NSM_TUNNEL_IP": own_address(), "NSM_STATE_DIR": str(tmp_path)}
    config = load(ForwarderConfig, settings)
    forwarding = await forward(config, program, await ground(config, program))
    found = judges((forwarding.offer, forwarding.manager))
    assert found[Authorize] == found[AuthorizeClient] == 1
    assert found[AuthorizeRegistrationClient] == 3
    assert set(unjudged(forwarding.offer.connections)) <= BEFORE


def test_an_offer_without_policies_would_be_noticed() -> None:
    assert judges(Offer(connections=END)) == {}


def calls(name: str) -> list[ast.Call]:
    """Every call of `name` in what programs are made of."""
    paths = [*SOURCE.glob("components/*/*.py"), *SOURCE.glob("endpoint/*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]
    return [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == name]


def authorizing(call: ast.Call) -> str:
    return next((ast.unparse(k.value) for k in call.keywords if k.arg == "authorize"), "nothing")


def test_whoever_asks_onward_judges_the_answers() -> None:
    assert len(clients := calls("client")) >= 4
    assert {authorizing(call) for call in clients} == {"parts.authorize"}
    assert len(made := calls("Parts")) >= 4
    assert {authorizing(call) for call in made} == {"program.next_hop()"}
