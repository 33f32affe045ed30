import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.connection import Connection, Path, Segment
from nsm.api.labels import Labels
from nsm.api.matching import candidates, contains, forwarders, is_like, is_selected, render
from nsm.api.monitoring import Selector
from nsm.api.registration import Destination, Endpoint, Match, NetworkService
from nsm.api.timestamp import Timestamp

FORWARDER = "forwarder"


def endpoint(name: str, service: str = "svc", **labels: str) -> Endpoint:
    return Endpoint(name, (service,), {service: Labels(labels)})


def to(**selector: str) -> Destination:
    return Destination(selector)


def service(*matches: Match) -> NetworkService:
    return NetworkService("svc", "IP", matches)


def names(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [e.name for e in endpoints]


VPN, FIREWALL, PLAIN = (
    endpoint("vpn", app="vpn"),
    endpoint("fw", app="firewall"),
    Endpoint("plain", ("svc",)),
)
ALL = (VPN, FIREWALL, PLAIN)


@pytest.mark.parametrize(
    ("labels", "selector", "held"),
    [
        ({}, {}, True),
        ({"a": "1"}, {}, True),
        ({"a": "1", "b": "2"}, {"a": "1"}, True),
        ({"a": "1"}, {"a": "2"}, False),
        ({"a": "1"}, {"a": "1", "b": "2"}, False),
        ({}, {"a": ""}, False),
    ],
)
def test_labels_contain_a_selector(
    labels: dict[str, str], selector: dict[str, str], held: bool
) -> None:
    assert contains(labels, selector) is held


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("plain", "plain"),
        ("{{.nodeName}}", "node-1"),
        ("{{ .nodeName }}", "node-1"),
        ('{{ index . "a-b" }}', "dashed"),
        ("{{index . `a-b`}}", "dashed"),
        ("x-{{.nodeName}}-{{.app}}", "x-node-1-web"),
        ("{{.missing}}", "<no value>"),
        ('{{index . "missing"}}', ""),
        ("{{.a-b}}", "{{.a-b}}"),
        ("{{ printf .app }}", "{{ printf .app }}"),
        ("{{.app}}{{if .app}}", "{{.app}}{{if .app}}"),
        ("{{", "{{"),
        ("{{.evil}}", "{{.app}}"),
    ],
)
def test_a_template_is_rendered_or_left_alone(value: str, rendered: str) -> None:
    labels = {"nodeName": "node-1", "app": "web", "a-b": "dashed", "evil": "{{.app}}"}
    assert render(value, labels) == rendered


@given(st.text('{}. index"`a'), st.dictionaries(st.text(), st.text(), max_size=2))
def test_no_template_breaks_rendering(value: str, labels: dict[str, str]) -> None:
    assert isinstance(render(value, labels), str)


def test_a_service_without_matches_has_all_endpoints_as_candidates() -> None:
    assert candidates(service(), {"any": "thing"}, ALL) == ALL


def test_the_first_match_that_applies_decides() -> None:
    asked = service(
        Match({"app": "firewall"}, (to(app="vpn"),)), Match(routes=(to(app="firewall"),))
    )
    assert candidates(asked, {"app": "firewall"}, ALL) == (VPN,)
    assert candidates(asked, {"app": "web"}, ALL) == (FIREWALL,)


def test_no_match_that_applies_leaves_no_candidate() -> None:
    assert candidates(service(Match({"app": "x"}, (to(),))), {}, ALL) == ()


def test_a_match_without_candidates_ends_the_search_unless_it_falls_through() -> None:
    for falls, found in ((False, ()), (True, (VPN,))):
        asked = service(
            Match(routes=(to(app="gone"),), fallthrough=falls), Match(routes=(to(app="vpn"),))
        )
        assert candidates(asked, {}, ALL) == found


def test_a_last_match_that_falls_through_leaves_no_candidate() -> None:
    assert candidates(service(Match(routes=(to(app="gone"),), fallthrough=True)), {}, ALL) == ()


def test_candidates_come_in_the_order_of_the_routes_and_once_each() -> None:
    asked = service(Match(routes=(to(app="firewall"), to(app="vpn"), to())))
    assert names(candidates(asked, {}, ALL)) == ["fw", "vpn", "plain"]


def test_metadata_without_routes_leaves_all_endpoints() -> None:
    assert candidates(service(Match(metadata=Labels())), {}, ALL) == ALL
    assert candidates(service(Match()), {}, ALL) == ()
    with_routes = Match(routes=(to(app="gone"),), metadata=Labels())
    assert candidates(service(with_routes), {}, ALL) == ()


def test_falling_through_comes_before_metadata() -> None:
    asked = service(Match(metadata=Labels(), fallthrough=True), Match(routes=(to(app="vpn"),)))
    assert candidates(asked, {}, ALL) == (VPN,)


def test_a_route_may_name_the_labels_of_the_request() -> None:
    near, far = endpoint("near", nodeName="node-1"), endpoint("far", nodeName="node-2")
    asked = service(Match(routes=(to(nodeName="{{.nodeName}}"),)))
    assert candidates(asked, {"nodeName": "node-1"}, (far, near)) == (near,)
    assert candidates(asked, {}, (far, near)) == ()


def test_a_label_that_looks_like_a_template_matches_literally() -> None:
    odd = endpoint("odd", nodeName="{{.nodeName}}")
    assert candidates(service(Match(routes=(to(nodeName="{{.nodeName}}"),))), {}, (odd,)) == (odd,)


def test_labels_of_another_service_do_not_count() -> None:
    other = Endpoint("other", ("svc", "else"), {"else": Labels({"app": "vpn"})})
    assert candidates(service(Match(routes=(to(app="vpn"),))), {}, (other,)) == ()


P2P, P2MP, BARE = (
    endpoint("p2p", FORWARDER, p2p="true"),
    endpoint("p2mp", FORWARDER, p2mp="true"),
    Endpoint("bare", (FORWARDER,)),
)
THREE = (P2P, P2MP, BARE)


@pytest.mark.parametrize(
    ("matches", "found"),
    [
        ((), ["p2p", "p2mp", "bare"]),
        ((Match(),), ["p2p"]),
        ((Match(metadata=Labels()),), ["p2p"]),
        ((Match(metadata=Labels({"p2mp": "true"})),), ["p2mp"]),
        ((Match({"app": "x"}, metadata=Labels({"p2mp": "true"})), Match()), ["p2p"]),
        ((Match(metadata=Labels({"no": "such"}), fallthrough=True), Match()), ["p2p"]),
        ((Match(metadata=Labels({"no": "such"})), Match()), []),
        ((Match({"app": "x"}),), []),
    ],
)
def test_a_forwarder_is_chosen_by_the_metadata_of_the_first_match(
    matches: tuple[Match, ...], found: list[str]
) -> None:
    assert names(forwarders(service(*matches), {"app": "web"}, THREE, FORWARDER)) == found


RECORD = Endpoint(
    "nse-1",
    ("a", "b"),
    {"a": Labels({"x": "1", "y": "2"})},
    "tcp://10.0.0.1:5001",
    Timestamp(5, 7),
    path_ids=("id",),
)


@pytest.mark.parametrize(
    ("like", "held"),
    [
        (Endpoint(), True),
        (Endpoint("nse-1"), True),
        (Endpoint("nse"), False),
        (Endpoint(network_service_names=("b",)), True),
        (Endpoint(network_service_names=("b", "c")), False),
        (Endpoint(network_service_labels={"a": Labels({"x": "1"})}), True),
        (Endpoint(network_service_labels={"a": Labels({"x": "2"})}), False),
        (Endpoint(network_service_labels={"a": Labels()}), True),
        (Endpoint(network_service_labels={"b": Labels()}), False),
        (Endpoint(url="10.0.0.1"), True),
        (Endpoint(url="10.0.0.2"), False),
        (Endpoint(expiration_time=Timestamp(5, 9)), True),
        (Endpoint(expiration_time=Timestamp(6, 7)), False),
        (Endpoint(path_ids=("other",)), True),
    ],
)
def test_an_endpoint_answers_a_query(like: Endpoint, held: bool) -> None:
    assert is_like(RECORD, like) is held


def test_an_endpoint_that_never_expires_is_not_like_one_that_does() -> None:
    assert not is_like(Endpoint("e"), Endpoint(expiration_time=Timestamp(0)))


@pytest.mark.parametrize(
    ("like", "held"),
    [
        (NetworkService(), True),
        (NetworkService("svc", "IP"), True),
        (NetworkService("sv"), False),
        (NetworkService(payload="ETHERNET"), False),
        (NetworkService(matches=(Match({"a": "1"}),)), True),
        (NetworkService(matches=(Match({"a": "2"}),)), False),
    ],
)
def test_a_network_service_answers_a_query(like: NetworkService, held: bool) -> None:
    assert is_like(service(Match({"a": "1"})), like) is held


CONN = Connection(
    network_service="svc",
    path=Path(1, (Segment("nsc", "c0", "t0"), Segment("nm", "u1", "t1"), Segment("fwd", "u2"))),
)


@pytest.mark.parametrize(
    ("selector", "held"),
    [
        (Selector(), True),
        (Selector(network_services=("svc", "other")), True),
        (Selector(network_services=("other",)), False),
        (Selector((Segment(id="c0"),)), True),
        (Selector((Segment(id="u2"),)), True),
        (Selector((Segment("nm", "u1"),)), True),
        (Selector((Segment("nm", "u2"),)), False),
        (Selector((Segment("nm"), Segment(id="u2"))), True),
        (Selector((Segment("nsc"), Segment(id="u2"))), False),
        (Selector((Segment(), Segment(), Segment())), True),
        (Selector((Segment(),) * 4), False),
        (Selector((Segment(token="t1"),)), True),
        (Selector((Segment(token="t2"),)), False),
        (Selector((Segment(id="c0"),), ("other",)), False),
    ],
)
def test_an_observer_hears_of_what_it_selected(selector: Selector, held: bool) -> None:
    assert is_selected(CONN, selector) is held
