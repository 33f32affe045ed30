import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.context import DnsConfig
from nsm.config import ConfigError, Url, describe, duration, load, parse, setting, unknown, usage


@dataclass(frozen=True)
class Upper:
    """A kind that reads itself."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Shout."""
        return cls(text.upper())


@dataclass(frozen=True, kw_only=True)
class Config:
    """Something of everything."""

    name: str = setting("nse", "who we are")
    listen_on: tuple[Url, ...] = setting("unix:///listen.on.socket", "where to serve")
    labels: Mapping[str, str] = setting("", "what we are like")
    dial_timeout: timedelta = setting("750ms", "how long a dial may take")
    register_service: bool = setting("true", "register | or not")
    vxlan_port: int = setting("4789", "a port")
    dns_configs: tuple[DnsConfig, ...] = setting("[]", "name service")
    ipam_policy: Literal["polite", "strict"] = setting("polite", "manners")
    ns_name: str = setting("forwarder", "service", variable="NSM_NSNAME", aliases=["NSM_NS_NAME"])
    socket: str = setting("", "identity", variable="SPIFFE_ENDPOINT_SOCKET")
    voice: Upper = setting("quiet", "a kind of its own")


@dataclass(frozen=True, kw_only=True)
class Needy:
    """Something that must be said."""

    tunnel_ip: str = setting(meaning="where tunnels start")
    dial_timeout: timedelta = setting("5s", "patience")


def test_an_empty_environment_gives_the_defaults() -> None:
    config = load(Config, {})
    assert config.dial_timeout == timedelta(milliseconds=750)
    assert config.listen_on == ("unix:///listen.on.socket",)
    assert (config.labels, config.dns_configs, config.register_service) == ({}, (), True)


def test_what_is_set_is_read() -> None:
    config = load(
        Config,
        {
            "NSM_LISTEN_ON": "unix:///a, tcp://:5001,registry:5002",
            "NSM_LABELS": "app:vpn, url:tcp://a:1",
            "NSM_DNS_CONFIGS": '[{"dns_server_ips":["10.0.0.1"],"search_domains":["corp"]}]',
            "NSM_IPAM_POLICY": "strict",
            "NSM_VXLAN_PORT": "0x12b5",
            "NSM_VOICE": "loud",
        },
    )
    assert config.listen_on == ("unix:///a", "tcp://:5001", "registry:5002")
    assert config.labels == {"app": "vpn", "url": "tcp://a:1"}
    assert config.dns_configs == (DnsConfig(("10.0.0.1",), ("corp",)),)
    assert (config.ipam_policy, config.vxlan_port) == ("strict", 4789)
    assert config.voice == Upper("LOUD")


def test_every_complaint_is_made_at_once() -> None:
    with pytest.raises(ConfigError, match=r"NSM_TUNNEL_IP is not set.*; NSM_DIAL_TIMEOUT='soon'"):
        load(Needy, {"NSM_DIAL_TIMEOUT": "soon"})


def test_a_variable_may_have_a_name_of_its_own_and_others_beside_it() -> None:
    assert load(Config, {"NSM_NSNAME": "a", "NSM_NS_NAME": "b"}).ns_name == "a"
    assert load(Config, {"NSM_NS_NAME": "b"}).ns_name == "b"
    assert load(Config, {"SPIFFE_ENDPOINT_SOCKET": "unix:///s"}).socket == "unix:///s"


def test_variables_that_are_no_settings_are_named() -> None:
    environ = dict.fromkeys(
        ["NSM_DIAL_TIMOUT", "NSM_NAME", "NSM_SRIOV_TOKENS_x", "NSM_STATUS_SOCKET", "PATH"], ""
    )
    assert unknown(Config, environ) == ["NSM_DIAL_TIMOUT", "NSM_STATUS_SOCKET"]
    assert unknown(Config, environ, ["NSM_STATUS_"]) == ["NSM_DIAL_TIMOUT"]


def test_usage_says_variable_meaning_and_default_in_a_line_each() -> None:
    assert usage(Needy).splitlines() == [
        "NSM_TUNNEL_IP     where tunnels start (required)",
        "NSM_DIAL_TIMEOUT  patience [5s]",
    ]
    assert "NSM_LABELS              what we are like\n" in usage(Config)


def test_the_description_is_a_table_that_a_bar_does_not_break() -> None:
    table = describe(Config)
    assert r"| `NSM_REGISTER_SERVICE` | `true` | register \| or not |" in table
    assert "| `NSM_NSNAME` or `NSM_NS_NAME` | `forwarder` | service |" in table
    assert "| `NSM_LABELS` | empty |" in table


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("750ms", 0.75),
        ("2h", 7200),
        ("1h", 3600),
        ("0", 0),
        ("0s", 0),
        ("300us", 0.0003),
        ("300µs", 0.0003),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1h1m1s1ms1us", 3661.001001),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert duration(text).total_seconds() == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "soon", "1 s", "1s ", "-1s", "1d", "s", ".s", "1e3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (bool, "yes"),
        (bool, ""),
        (bool, "tRUE"),
        (int, "1_000"),
        (int, " 1"),
        (int, "1.5"),
        (int, "9" * 100),
        (float, "x"),
        (timedelta, "9" * 400 + "h"),
        (Mapping[str, str], "a"),
        (Mapping[str, str], ":b"),
        (Literal["a", "b"], "c"),
        (tuple[DnsConfig, ...], "[{"),
        (tuple[DnsConfig, ...], '[{"dns_server_ips": 5}]'),
        (Url, "tcp://host"),
        (Url, "http://host:1"),
        (Url, "unix://"),
        (Url, "host:99999999"),
        (Url, "host"),
        (Url, "tcp://a:1\n"),
    ],
)
def test_what_does_not_fit_its_kind_is_said_with_its_variable(kind: object, text: str) -> None:
    @dataclass(frozen=True)
    class One:
        """A single setting."""

        it: str = setting(None, "the one")

    One.__annotations__["it"] = kind
    with pytest.raises(ConfigError, match=r"^NSM_IT=") as caught:
        load(One, {"NSM_IT": text})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_booleans_are_those_of_go(text: str) -> None:
    assert parse(bool, text) is True


@pytest.mark.parametrize(
    "text", ["", "tcp://:5001", "tcp://[::1]:1", "registry:5002", "unix:///a b", "unix://rel"]
)
def test_addresses_are_kept_as_they_were_written(text: str) -> None:
    assert parse(Url, text) == text


@given(st.text())
def test_any_text_is_a_duration_or_a_complaint(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert duration(text) >= timedelta()
