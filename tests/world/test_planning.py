"""A plan is complete, and no two things in it are in each other's way."""

from ipaddress import IPv4Interface
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsm.world.ground import MARKER, PODS4, UNDERLAY4, UNDERLAY6, Home
from nsm.world.plan import UNDERLAY, Plan, Process
from nsm.world.planning import excluded_prefixes, plan
from nsm.world.programs import OurProgram, UserProgram
from nsm.world.spec_read import read

HOME = Home("lab", Path("/run/nsm"))
TWO = """
nodes: [a, b]
services: {s: {payload: ETHERNET}}
endpoints:
  gw: {node: b, serves: [s, t], run: icmp-responder, cidr: [172.16.1.0/24, 2001:db8::/112],
       labels: {app: vpn}, env: {NSM_LOG_LEVEL: DEBUG}, restart: never, wants: kernel://t/up}
  mine: {serves: t, run: [./serve, now]}
workloads:
  web: {wants: [kernel://s/nsm-1, kernel://t/nsm-2?x=1], run: [sleep, "9"], replicas: 2}
"""


def planned(text: str = TWO) -> Plan:
    mesh = read(text, Path("lab.yaml"), lambda _: True)
    return plan(mesh, HOME, Path("/home/me"), {"PATH": "/bin"})


def process(who: str) -> Process:
    return next(one for one in planned().processes if one.who == who)


def test_everything_that_runs_stands_in_a_namespace_of_the_plan() -> None:
    made = planned()
    names = {space.name for space in made.namespaces}
    assert {one.namespace for one in made.processes} <= names
    assert names >= {UNDERLAY, "a", "b", "gw", "mine", "web-1", "web-2", "registry@lab"}


def test_everything_comes_after_what_it_needs_and_that_is_there() -> None:
    made = planned()
    seen: set[str] = set()
    for one in made.processes:
        assert {*one.after, *one.behind} <= seen, one.who
        seen.add(one.who)
    assert [one.kind for one in made.processes[:3]] == ["identity", "registry", "services"]


def test_everything_that_runs_is_marked_and_knows_where_to_report() -> None:
    for one in planned().processes:
        assert one.environ[MARKER] == "/run/nsm/lab"
        assert one.environ["NSM_MESH"] == "lab"
        assert one.environ["NSM_STATUS_SOCKET"] == "/run/nsm/lab/status.sock"
        assert one.environ["SPIFFE_ENDPOINT_SOCKET"].startswith("unix:///run/nsm/lab/run/identity@")
        assert one.environ["PATH"] == "/bin"


def test_names_on_the_wire_and_in_identities_are_the_contracts() -> None:
    (domain,) = planned().domains
    assert process("node@a").name == "manager-a"
    assert process("node@a").environ["NSM_FORWARDER_NAME"] == "forwarder-a"
    assert process("registry@lab").name == "registry"
    assert domain.identities["web-1"] == "spiffe://lab/ns/lab/web-1"
    assert domain.identities["a"] == "spiffe://lab/ns/lab/manager-a"
    assert domain.identities["registry@lab"] == "spiffe://lab/ns/lab/registry"


def test_an_endpoint_is_set_up_as_the_file_says() -> None:
    gateway = process("gw")
    assert gateway.launch == OurProgram("endpoint", ("icmp-responder",))
    assert gateway.environ["NSM_CIDR_PREFIX"] == "[172.16.1.0/24],[2001:db8::/112]"
    assert gateway.environ["NSM_SERVICE_NAMES"] == "s,t"
    assert gateway.environ["NSM_LABELS"] == "app:vpn"
    assert gateway.environ["NSM_PAYLOAD"] == "ETHERNET"
    assert gateway.environ["NSM_REGISTER_SERVICE"] == "false"
    assert gateway.environ["NSM_LOG_LEVEL"] == "DEBUG"
    assert gateway.environ["NSM_NETWORK_SERVICES"] == "kernel://t/up"
    assert gateway.environ["NSM_CONNECT_TO"] == "unix:///run/nsm/lab/run/node@b/nsm.io.sock"
    assert gateway.environ["NODE_NAME"] == "b"
    assert gateway.restart == "never"
    assert process("mine").launch == UserProgram(("./serve", "now"))
    assert process("mine").folder == Path("/home/me")


def test_an_endpoint_unregisters_unless_its_own_settings_say_otherwise() -> None:
    assert process("gw").environ["NSM_UNREGISTER_ITSELF"] == "true"
    stays = TWO.replace("{NSM_LOG_LEVEL: DEBUG}", '{NSM_UNREGISTER_ITSELF: "false"}')
    (gateway,) = [one for one in planned(stays).processes if one.who == "gw"]
    assert gateway.environ["NSM_UNREGISTER_ITSELF"] == "false"


def test_a_workload_has_a_client_and_what_it_runs_comes_after() -> None:
    assert (
        process("web-1").environ["NSM_NETWORK_SERVICES"] == "kernel://s/nsm-1,kernel://t/nsm-2?x=1"
    )
    assert process("web-1").behind == ("gw", "mine")
    assert process("web-1/run").after == ("web-1",)
    assert process("web-1/run").namespace == "web-1"
    assert process("web-1/run").launch == UserProgram(("sleep", "9"))


def test_a_service_that_is_only_served_is_registered_with_payload_ip() -> None:
    (domain,) = planned().domains
    assert [(one.name, one.payload) for one in domain.services] == [("s", "ETHERNET"), ("t", "IP")]


def test_managers_keep_clear_of_the_meshs_own_addresses() -> None:
    assert str(UNDERLAY4) in excluded_prefixes()
    assert str(UNDERLAY6) in excluded_prefixes()


@given(
    nodes=st.integers(1, 100),
    pods=st.lists(st.integers(0, 99), min_size=1, max_size=60),
)
def test_no_two_namespaces_share_an_address(nodes: int, pods: list[int]) -> None:
    names = [f"n{number}" for number in range(nodes)]
    endpoints = {
        f"e{i}": {"node": names[at % nodes], "serves": "s", "run": "firewall"}
        for i, at in enumerate(pods)
    }
    made = planned(str({"nodes": names, "endpoints": endpoints}).replace("'", '"'))
    given_out = [space.address for space in made.namespaces if space.address]
    assert len({address.v4.ip for address in given_out}) == len(given_out)
    assert len({address.v6.ip for address in given_out}) == len(given_out)
    assert all(address.v4.ip in UNDERLAY4 and address.v6.ip in UNDERLAY6 for address in given_out)
    assert all(
        in_pods(space.address.v4) == bool(space.node) for space in made.namespaces if space.address
    )


def in_pods(address: IPv4Interface) -> bool:
    return address.ip in PODS4
