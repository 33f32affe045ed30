"""When a record is what a query asks for."""

import pytest

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, Match, NetworkService
from nsm.api.timestamp import Timestamp
from nsm.elements.registry.matching import is_like

NSE = Endpoint(
    name="nse-1",
    network_service_names=("a", "b"),
    network_service_labels={"a": Labels({"app": "web", "zone": "1"})},
    url="tcp://10.0.0.1:5001",
    expiration_time=Timestamp(100, 7),
    path_ids=("spiffe://x/nse",),
)
NS = NetworkService(name="a", payload="IP", matches=(Match(source_selector={"app": "web"}),))


@pytest.mark.parametrize(
    "wanted",
    [
        Endpoint(),
        Endpoint(name="nse-1"),
        Endpoint(network_service_names=("b",)),
        Endpoint(network_service_names=("b", "a")),
        Endpoint(network_service_labels={"a": Labels({"app": "web"})}),
        Endpoint(network_service_labels={"a": Labels()}),
        Endpoint(url="10.0.0.1"),
        Endpoint(expiration_time=Timestamp(100, 999)),
        Endpoint(path_ids=("someone",), initial_registration_time=Timestamp(1)),
    ],
)
def test_an_endpoint_is_like_each_thing_it_has(wanted: Endpoint) -> None:
    assert is_like(NSE, wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        Endpoint(name="nse"),
        Endpoint(network_service_names=("a", "c")),
        Endpoint(network_service_labels={"a": Labels({"app": "db"})}),
        Endpoint(network_service_labels={"a": Labels({"app": "web", "more": ""})}),
        Endpoint(network_service_labels={"b": Labels()}),
        Endpoint(url="10.0.0.2"),
        Endpoint(expiration_time=Timestamp(101, 7)),
    ],
)
def test_an_endpoint_is_unlike_what_it_has_not(wanted: Endpoint) -> None:
    assert not is_like(NSE, wanted)


def test_an_endpoint_without_expiry_is_unlike_any_expiry() -> None:
    assert not is_like(Endpoint(name="n"), Endpoint(expiration_time=Timestamp(0)))


@pytest.mark.parametrize(
    "wanted",
    [
        NetworkService(),
        NetworkService(name="a"),
        NetworkService(payload="IP"),
        NetworkService(matches=(Match(source_selector={"app": "web"}),)),
    ],
)
def test_a_service_is_like_each_thing_it_has(wanted: NetworkService) -> None:
    assert is_like(NS, wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        NetworkService(name="b"),
        NetworkService(payload="ETHERNET"),
        NetworkService(matches=(Match(source_selector={"app": "db"}),)),
    ],
)
def test_a_service_is_unlike_what_it_has_not(wanted: NetworkService) -> None:
    assert not is_like(NS, wanted)
