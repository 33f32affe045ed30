"""What a node reads from the environment, and which half it is for."""

from datetime import timedelta

import pytest

from nsm.config import load
from nsm.node.config import Config

ADDRESS = {"NSM_TUNNEL_IP": "10.0.0.1"}
SHARED = {  # the manager's, where the forwarder has one of that name: NSM_FORWARDER_X sets it
    "NSM_NAME": ("forwarder-1", "name", "forwarder-1"),
    "NSM_DIAL_TIMEOUT": ("9s", "dial_timeout", timedelta(seconds=9)),
    "NSM_MAX_TOKEN_LIFETIME": ("9h", "max_token_lifetime", timedelta(hours=9)),
    "NSM_REGISTRY_CLIENT_POLICIES": (
        "etc/nsm/opa/common/.*.rego",
        "registry_client_policies",
        ("etc/nsm/opa/common/.*.rego",),
    ),
}


@pytest.mark.parametrize("variable", SHARED)
def test_where_both_have_a_setting_each_half_has_its_own(variable: str) -> None:
    said, name, meant = SHARED[variable]
    plain = load(Config, ADDRESS)
    override = variable.replace("NSM_", "NSM_FORWARDER_")
    config = load(Config, {**ADDRESS, override: said})
    assert getattr(config.forwarder, name) == meant
    assert getattr(config, name) == getattr(plain, name)
    config = load(Config, {**ADDRESS, variable: said})
    assert getattr(config, name) == meant
    assert getattr(config.forwarder, name) == getattr(plain.forwarder, name)


def test_what_only_the_forwarder_has_needs_no_prefix() -> None:
    environ = {**ADDRESS, "NSM_LABELS": "p2p:true,zone:a", "NSM_NSNAME": "f", "NSM_VXLAN_PORT": "1"}
    forwarder = load(Config, environ).forwarder
    assert forwarder.labels == {"p2p": "true", "zone": "a"}
    assert (forwarder.ns_name, forwarder.vxlan_port, forwarder.tunnel_ip) == ("f", 1, "10.0.0.1")
