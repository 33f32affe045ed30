"""What an endpoint reads from the environment."""

import pytest

from nsm.api.context import DnsConfig
from nsm.config import ConfigError, load
from nsm.endpoint.config import Config


def test_brackets_make_one_group_and_commas_without_them_several() -> None:
    config = load(Config, {"NSM_CIDR_PREFIX": "[10.0.0.0/24, 10.1.0.0/24], 2001:db8::/64"})
    assert [len(group) for group in config.cidr_prefix] == [2, 1]


def test_name_service_is_said_in_json() -> None:
    text = '[{"dns_server_ips": ["10.0.0.53"], "search_domains": ["corp.example"]}]'
    config = load(Config, {"NSM_DNS_CONFIGS": text})
    assert config.dns_configs == (DnsConfig(("10.0.0.53",), ("corp.example",)),)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NSM_CIDR_PREFIX", "[10.0.0.0/24"),
        ("NSM_CIDR_PREFIX", "10.0.0.0/33"),
        ("NSM_IPAM_POLICY", "rude"),
        ("NSM_DNS_CONFIGS", "10.0.0.53"),
        ("NSM_LABELS", "app"),
        ("NSM_IDLE_TIMEOUT", "30"),
        ("NSM_REGISTER_SERVICE", "maybe"),
        ("NSM_CONNECT_TO", "manager"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        load(Config, {variable: value})
