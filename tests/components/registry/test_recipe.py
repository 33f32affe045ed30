"""What the registry offers, in the order of W §3.6."""

from nsm.chains.registry import RegistryNeeds
from nsm.components.registry.config import Config
from nsm.components.registry.recipe import registry
from nsm.config import load
from nsm.identity.fake import PlainTokens
from nsm.identity.policies import Policies
from nsm.sdk import Clock, Tasks
from nsm.sdk.inprocess import Party
from nsm.sdk.registry import NowhereElse
from nsm.sdk.switchboard import Switchboard

START = ["CheckRecord", "UpdateTokenPath", "AuthorizeRegistration", "AdmitRegistration"]
SERVICES = [*START, "SetPayload", "SwitchInterdomain", "Remember"]
FORWARDERS = [*START, "LimitForwarders", "BeginRegistration"]
ENDPOINTS = [*FORWARDERS, "SwitchInterdomain", "StampTime", "Expire", "Remember"]


def links(bound) -> list[str]:
    """The elements in the order a question meets them."""
    names = []
    while not isinstance(bound, NowhereElse):
        names.append(type(bound.element).__name__)
        bound = bound.next
    return names


def offer(environ: dict[str, str]):
    clock, tasks = Clock(), Tasks()
    tokens = PlainTokens("spiffe://x/registry", clock)
    party = Party(lambda: None, tokens)
    needs = RegistryNeeds(
        tokens=tokens,
        dialer=Switchboard(tasks, clock).dialer(party),
        server=Policies(()),
        client=Policies(()),
        tasks=tasks,
        clock=clock,
    )
    return registry(load(Config, environ), needs)


def test_a_question_meets_the_elements_in_upstreams_order() -> None:
    made = offer({})
    assert links(made.network_services) == SERVICES
    assert links(made.endpoints) == ENDPOINTS
    assert made.connections is None


def element(bound, name: str):
    while type(bound.element).__name__ != name:
        bound = bound.next
    return bound.element


def test_bounds_and_proxy_come_from_the_settings() -> None:
    made = offer({"NSM_MAX_RECORDS": "7", "NSM_MAX_WATCHERS": "8"})
    for bound in (made.network_services, made.endpoints):
        assert element(bound, "Remember").catalog.most == 7
        assert element(bound, "Remember").watchers.most == 8
        assert element(bound, "SwitchInterdomain").proxy is None
    made = offer({"NSM_PROXY_REGISTRY_URL": "tcp://proxy:5004"})
    way = ["BeginRegistration", "AuthorizeRegistrationClient", "DialRegistry", "AskRegistry"]
    for bound in (made.network_services, made.endpoints):
        proxy = element(bound, "SwitchInterdomain").proxy
        assert links(proxy) == way
        assert element(proxy, "DialRegistry").url == "tcp://proxy:5004"
