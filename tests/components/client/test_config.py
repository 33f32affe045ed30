"""What the client reads from the environment."""

import pytest

from nsm.api.names import NsUrl
from nsm.components.client.config import Config, Wish
from nsm.config import ConfigError, load


def test_services_are_ns_urls_kept_as_they_were_written() -> None:
    text = "kernel://vpn@other.domain/nsm-1?app=web, kernel://db"
    config = load(Config, {"NSM_NETWORK_SERVICES": text})
    assert config.network_services == (
        Wish(
            "kernel://vpn@other.domain/nsm-1?app=web",
            NsUrl("KERNEL", "vpn@other.domain", "nsm-1", {"app": "web"}),
        ),
        Wish("kernel://db", NsUrl("KERNEL", "db")),
    )


def test_awareness_groups_are_lists_of_ns_urls() -> None:
    config = load(Config, {"NSM_AWARENESS_GROUPS": "[kernel://a, kernel://b/nsm-2],[kernel://c]"})
    first, second = config.awareness_groups
    assert [url.service for url in first] == ["a", "b"]
    assert [url.service for url in second] == ["c"]


@pytest.mark.parametrize("text", ["[kernel://a", "[kernel://a,]", "[]", "[[kernel://a]]", "[web]"])
def test_groups_that_are_half_said_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NSM_AWARENESS_GROUPS"):
        load(Config, {"NSM_AWARENESS_GROUPS": text})


@pytest.mark.parametrize(
    "text", ["web", "kernel://", "http://web", "kernel://a/interface-name-too-long", "kernel://a,b"]
)
def test_what_is_no_ns_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NSM_NETWORK_SERVICES"):
        load(Config, {"NSM_NETWORK_SERVICES": text})


def test_a_client_that_wants_nothing_is_wrong() -> None:
    with pytest.raises(ConfigError, match="is empty"):
        load(Config, {}).check()
    load(Config, {"NSM_NETWORK_SERVICES": "kernel://a"}).check()
