"""What the forwarder reads from the environment."""

import pytest

from nsm.components.forwarder.config import Config
from nsm.config import ConfigError, load


def test_the_address_tunnels_start_from_must_be_said() -> None:
    with pytest.raises(ConfigError, match="NSM_TUNNEL_IP is not set"):
        load(Config, {})


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1/24", "2001:db8::1", "2001:db8::1/64"])
def test_it_is_an_address_or_a_cidr(text: str) -> None:
    assert load(Config, {"NSM_TUNNEL_IP": text}).tunnel_ip == text


@pytest.mark.parametrize("text", ["", "node-1", "10.0.0", "10.0.0.1/33", "10.0.0.1,10.0.0.2"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NSM_TUNNEL_IP="):
        load(Config, {"NSM_TUNNEL_IP": text})


@pytest.mark.parametrize("text", ["0", "-1", "65536", "vxlan"])
def test_a_port_is_one_that_there_is(text: str) -> None:
    with pytest.raises(ConfigError, match="NSM_VXLAN_PORT="):
        load(Config, {"NSM_TUNNEL_IP": "10.0.0.1", "NSM_VXLAN_PORT": text})
