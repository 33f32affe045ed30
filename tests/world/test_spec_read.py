"""A world file is read strictly: it becomes a mesh, or everything that is wrong with it."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nsm.values import BadFile, Problem
from nsm.world.spec import BuiltIn, Command, Mesh, PythonFile
from nsm.world.spec_domain import ENDPOINT, IN_DOMAIN, WORKLOAD
from nsm.world.spec_read import load, read

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
FILE = Path("lab.yaml")


def mesh(text: str) -> Mesh:
    return read(text, FILE, lambda path: path.name in ("my.py", "rules.yaml"))


def wrong(text: str) -> list[Problem]:
    with pytest.raises(BadFile) as caught:
        mesh(text)
    return caught.value.problems


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_right(path: Path) -> None:
    assert load(path).name == path.stem


def test_a_file_says_little_and_means_the_rest() -> None:
    found = mesh(
        "endpoints: {gw: {serves: s, run: icmp-responder}}\nworkloads: {web: {wants: kernel://s}}"
    )
    (domain,) = found.domains
    (gateway,), (web,) = domain.endpoints, domain.workloads
    assert (found.name, domain.nodes, found.several) == ("lab", ("node-1",), False)
    assert (gateway.node, gateway.serves, gateway.run) == (
        "node-1",
        ("s",),
        BuiltIn("icmp-responder"),
    )
    assert (gateway.restart, gateway.copies) == (True, ("gw",))
    assert (web.node, web.dns, web.wants[0].service) == ("node-1", True, "s")


def test_everything_can_be_said() -> None:
    found = mesh(
        """
name: other
nodes: [a, b]
services:
  s:
    payload: ETHERNET
    matches:
      - {source_selector: {app: web}, routes: [{destination_selector: {v: 2}, weight: 3}]}
      - {routes: [{}], fallthrough: true, metadata: {labels: {p2p: "true"}}}
  nothing-said:
endpoints:
  gw:
    node: b
    serves: [s, t]
    run: my.py
    cidr: [172.16.1.0/31, 2001:db8::/64]
    labels: {app: vpn, version: 1.0, on: no}
    dns: [{servers: [self, 10.0.0.1], search: [corp.example], records: {db.corp: [10.0.0.5]}}]
    env: {NSM_IDLE_TIMEOUT: 30s, NSM_PPROF_ENABLED: true}
    wants: kernel://s/nsm-2?app=vpn
    restart: never
    replicas: 2
  own: {serves: u, run: [sleep, 100]}
workloads:
  web:
    {node: b, wants: [kernel://s/nsm-1, kernel://t/nsm-2?a=b], run: [ls], replicas: 2, dns: false}
policy: rules.yaml
"""
    )
    (domain,) = found.domains
    service, bare = domain.services
    gateway, own = domain.endpoints
    (web,) = domain.workloads
    assert (service.payload, bare.payload) == ("ETHERNET", "IP")
    assert service.matches[0].routes[0].weight == 3
    assert service.matches[0].routes[0].destination_selector == {"v": "2"}
    assert service.matches[1].fallthrough
    assert service.matches[1].metadata == {"p2p": "true"}
    assert isinstance(gateway.run, PythonFile)
    assert gateway.copies == ("gw-1", "gw-2")
    assert gateway.groups == ("172.16.1.0/31", "2001:db8::/64")
    assert gateway.labels == {"app": "vpn", "version": "1.0", "on": "no"}
    assert gateway.env["NSM_PPROF_ENABLED"] == "true"
    assert gateway.dns[0].records == {"db.corp": ("10.0.0.5",)}
    assert gateway.wants
    assert gateway.wants.interface == "nsm-2"
    assert own.run == Command(("sleep", "100"))
    assert (web.run, web.dns, web.copies) == (("ls",), False, ("web-1", "web-2"))
    assert str(domain.policy).endswith("/rules.yaml")


def test_several_domains_stand_in_one_file() -> None:
    found = mesh(
        """
domains:
  alpha.example: {workloads: {web: {wants: [kernel://vpn@beta.example, kernel://lake@float]}}}
  beta.example:
    nodes: [b-9]
    endpoints:
      gw: {serves: [vpn, lake@float], run: icmp-responder}
  float: {nodes: []}
"""
    )
    assert found.several
    assert [domain.nodes for domain in found.domains] == [("alpha-1",), ("b-9",), ()]


def test_one_domain_that_names_no_node_gets_node_1() -> None:
    assert mesh("domains: {a.example: {}}").domains[0].nodes == ("node-1",)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("name: My_Mesh", 1, "is no name"),
        (f"name: {'a' * 25}", 1, "at most 24"),
        ("name: -a", 1, "is no name"),
        ("name: 7", 1, "this is a number"),
        ("nodes: node-1", 1, "write a list of names"),
        ("nodes: [a, a]", 1, "is taken"),
        ("nodes: [registry]", 1, "one of the mesh's own"),
        ("colour: red", 1, "unknown key 'colour'"),
        ("endpoint: {}", 1, "did you mean endpoints?"),
        ("nodes: [a]\nnodes: [b]", 2, "stands here and in line 1"),
        ("[1, 2]", 1, "the file: this is a list"),
        ("", 1, "says nothing"),
        ("a: [\n", 2, "not YAML"),
        ("a: &x [*x]", 1, "unknown key"),
        ("policy: nowhere.yaml", 1, "no file"),
        ("policy: {rulez: []}", 1, "unknown key"),
        ("services: {s: {payload: TCP}}", 1, "'TCP' is not known"),
        ("services: {s: {matches: [{}]}}", 1, "routes: is missing"),
        ("services: {s: {matches: [{routes: [{weight: -1}]}]}}", 1, "whole number"),
        ("services: {'a b': {}}", 1, "no service's name"),
        ("domains: {a: {}}\nnodes: [x]", 2, "stands beside domains:"),
        ("domains: {A_b: {}}", 1, "is no domain"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, says: str) -> None:
    assert any(found.line == line and says in str(found) for found in wrong(text)), wrong(text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("{}", "serves: is missing"),
        ("{serves: s}", "run: is missing"),
        ("7", "this is a number"),
        ("{serves: s, run: icmp}", "no built-in endpoint 'icmp'"),
        ("{serves: s, run: gone.py}", "there is no file 'gone.py'"),
        ("{serves: s, run: []}", "an empty command"),
        ("{serves: [[s]], run: firewall}", "this is a list"),
        ("{serves: s@far.example, run: firewall}", "there is no domain 'far.example'"),
        ("{serves: s, run: firewall, node: n9}", "there is no node 'n9'"),
        ("{serves: s, run: firewall, cidr: 10.0.0.0/8}", "write a list of prefixes"),
        ("{serves: s, run: firewall, cidr: [10.0.0.0/33]}", "is no prefix"),
        ("{serves: s, run: firewall, cidr: [10.0.0.1/24]}", "write 10.0.0.0/24"),
        ("{serves: s, run: firewall, cidr: [10.0.0.0]}", "has no length"),
        ("{serves: s, run: firewall, cidr: [10.0.0.0/32]}", "holds no pair"),
        ("{serves: s, run: firewall, cidr: [127.0.0.0/8]}", "can't be given"),
        ("{serves: s, run: firewall, cidr: [100.64.9.0/24]}", "the mesh's own addresses"),
        ("{serves: s, run: firewall, cidr: [0.0.0.0/0]}", "the mesh's own addresses"),
        ("{serves: s, run: firewall, cidr: ['fd6b:92d4:1c37:1::/64']}", "own addresses"),
        ("{serves: s, run: firewall, cidr: [10.0.0.0/24, 10.0.0.128/25]}", "overlaps"),
        ("{serves: s, run: firewall, cidr: [10.0.0.0/24, 10.0.0.0/24]}", "overlaps"),
        ("{serves: s, run: firewall, labels: [a]}", "write labels"),
        ("{serves: s, run: firewall, labels: {a: [b]}}", "this is a list"),
        ("{serves: s, run: firewall, labels: {a: 'x,y'}}", "no label"),
        ("{serves: s, run: firewall, dns: {servers: [self]}}", "write a list"),
        ("{serves: s, run: firewall, dns: [{servers: [me]}]}", "is no address"),
        ("{serves: s, run: firewall, dns: [{records: {a.b: [x]}}]}", "is no address"),
        ("{serves: s, run: firewall, env: {NSM_NAME: x}}", "the world sets this one"),
        ("{serves: s, run: firewall, env: {'A B': x}}", "is no variable"),
        ("{serves: s, run: firewall, wants: kernel://nowhere}", "no endpoint serves 'nowhere'"),
        ("{serves: s, run: firewall, restart: always}", "'always' is not known"),
        ("{serves: s, run: firewall, replicas: many}", "is not a whole number"),
        ("{serves: s, run: firewall, replicas: 0}", "is not a whole number"),
        ("{serves: s, run: firewall, replicas: 1.5}", "is not a whole number"),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_said(fields: str, says: str) -> None:
    found = wrong(f"nodes: [n1]\nendpoints:\n  gw: {fields}")
    assert any(one.line == 3 and says in str(one) for one in found), found


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("{}", "wants: is missing"),
        ("kernel://s", "this is text"),
        ("{wants: s}", "is no NS-URL"),
        ("{wants: 'tcp://s'}", "mechanism 'tcp' is not known"),
        ("{wants: kernel://t}", "no endpoint serves 't'"),
        ("{wants: kernel://s@far}", "there is no domain 'far'"),
        ("{wants: [kernel://s/eth0]}", "is the workload's own"),
        ("{wants: [kernel://s/x, kernel://s/x]}", "is taken already"),
        ("{wants: kernel://s/a-name-that-is-too-long}", "cannot name an interface"),
        ("{wants: 'kernel://s?a=b,c'}", "comma"),
        ("{wants: kernel://s, dns: maybe}", "write true or false"),
        ("{wants: kernel://s, run: ls}", "write a command as a list"),
    ],
)
def test_what_is_wrong_with_a_workload_is_said(fields: str, says: str) -> None:
    found = wrong(f"services: {{s: {{}}}}\nworkloads:\n  web: {fields}")
    assert any(one.line == 3 and says in str(one) for one in found), found


def test_names_are_taken_once_in_the_whole_file_replicas_and_nodes_included() -> None:
    text = """
nodes: [web]
endpoints:
  gw: {serves: s, run: firewall, replicas: 2}
  manager-web: {serves: s, run: firewall}
workloads:
  gw-2: {wants: kernel://s}
  web: {wants: kernel://s}
"""
    assert [found.line for found in wrong(text)] == [5, 7, 8]


def test_a_name_that_its_replicas_make_too_long_is_said() -> None:
    name = "a" * 39
    found = wrong(f"endpoints: {{{name}: {{serves: s, run: firewall, replicas: 2}}}}")
    assert "too long" in str(found[0])


def test_endpoints_may_share_a_pool_but_not_a_part_of_one() -> None:
    gateway = "{serves: s, run: firewall, cidr: [%s]}"
    whole, part = gateway % "10.0.0.0/24", gateway % "10.0.0.128/25"
    assert mesh(f"endpoints: {{a: {whole}, b: {whole}}}")
    (found,) = wrong(f"endpoints: {{a: {whole}, b: {part}}}")
    assert "10.0.0.128/25 overlaps 10.0.0.0/24 of a" in str(found)


def test_everything_is_reported_at_once_and_in_order() -> None:
    found = wrong("name: X\nnodes: 3\nendpoints:\n  gw: {run: 5}\nworkloads:\n  w: {}\ncolour: red")
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert len(found) >= 6


def test_a_file_that_is_not_there_is_said_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone.yaml: can't be read"):
        load(tmp_path / "gone.yaml")


def test_a_deep_file_is_refused_and_not_followed() -> None:
    assert wrong("[" * 100_000)
    assert wrong("x: " + "[" * 900 + "]" * 900)


KEYS = st.sampled_from((*IN_DOMAIN, *ENDPOINT, *WORKLOAD, "name", "domains", "payload", "matches"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["kernel://a/b", "a", "10.0.0.0/24", "icmp-responder", "::/0", "1/2"])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(TREES | st.dictionaries(KEYS, TREES))
def test_no_document_breaks_the_reader(document: object) -> None:
    accepts(yaml.safe_dump(document, allow_unicode=True))


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    accepts(text)


def accepts(text: str) -> None:
    try:
        mesh(text)
    except BadFile as error:
        if not error.problems or not all(one.what and one.line >= 0 for one in error.problems):
            raise
